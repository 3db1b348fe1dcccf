// The simulation on PostgreSQL, in virtual time.

import { simulationSuite } from '@syndikit/simulation'
import { describe } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { serverForFile, skipped } from './fixtures.ts'

describe.skipIf(skipped !== undefined)(`PostgreSQL ${skipped ?? ''}`, () => {
  // Timers of the pool would be those of the world, which has no server in it.
  const pools = serverForFile().emptyPools(1, { idleTimeoutMillis: 0 })
  const storageOf = async (clock: { now(): number }) => {
    const [pool] = await pools()
    return postgresStorage({ pool, clock })
  }
  simulationSuite({ storageOf, runs: 2 })
})
