// The model test on storage in memory.

import { memoryStorage } from '../../src/index.ts'
import { modelSuite } from './suite.ts'

modelSuite({ storageOf: (clock) => memoryStorage({ clock }), runs: 250 })
