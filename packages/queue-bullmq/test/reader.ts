// A process of its own that holds both slots of a name for a while.
import { setTimeout } from 'node:timers/promises'
import { bullmqQueue } from '../src/index.ts'

const [connection = '', name = '', holdMs = '0'] = process.argv.slice(2)
const queue = bullmqQueue({ connection })
const limiter = queue.limiter?.(name, 2)
await Promise.all([1, 2].map(() => limiter?.schedule(() => setTimeout(Number(holdMs)))))
await queue.close()
