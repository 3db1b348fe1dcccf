// The simulation on SQLite files, in virtual time.

import { simulationSuite } from '@syndikit/simulation'
import { sqliteStorage } from '../src/index.ts'
import { newPath } from './fixtures.ts'

simulationSuite({ storageOf: (clock) => sqliteStorage({ file: newPath(), clock }), runs: 15 })
