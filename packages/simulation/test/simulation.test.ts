// The simulation on storage in memory, as far as every test run goes; `npm run simulate` goes further.

import { memoryStorage } from '@syndikit/core'
import { simulationSuite } from '../src/suite.ts'

simulationSuite({ storageOf: (clock) => memoryStorage({ clock }), runs: 60 })
