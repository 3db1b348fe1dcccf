// The model test of core on SQLite files, in virtual time.

import { modelSuite } from '../../core/test/model/suite.ts'
import { sqliteStorage } from '../src/index.ts'
import { newPath } from './fixtures.ts'

modelSuite({ storageOf: (clock) => sqliteStorage({ file: newPath(), clock }), runs: 60 })
