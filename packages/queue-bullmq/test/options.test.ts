// What is wrong with an option throws when the queue is made, says which and how to mend it, and shows no password.
import { expect, test } from 'vitest'
import { type BullmqQueueOptions, bullmqQueue } from '../src/index.ts'

const connection = 'redis://:hunter2@localhost'
const wrong: readonly [what: string, options: unknown, says: string][] = [
  ['no object', 'redis://localhost', 'give it an object'],
  ['null', null, 'give it an object'],
  ['no server', {}, 'give it a `connection` to Redis, or `postgres`'],
  ['two servers', { connection, postgres: 'postgres://localhost' }, 'two servers'],
  ['an option that does not exist', { connection, concurency: 3 }, 'there is no option `concurency`'],
  ['the URL of something else', { connection: 'postgres://:hunter2@localhost' }, 'PostgreSQL goes into `postgres`'],
  ['a number as connection', { connection: 6379 }, '`connection` is an URL'],
  ['the URL of Redis as postgres', { postgres: connection }, '`postgres` is an URL'],
  ['a pool', { postgres: { connect: () => undefined, query: () => undefined } }, '`postgres` is a pool'],
  ['a key prefix of ioredis', { connection: { host: 'localhost', keyPrefix: 'app:', password: 'hunter2' } }, 'give `prefix` to bullmqQueue'],
  ['a cluster', { connection: { isCluster: true, options: {}, duplicate: () => undefined } }, 'is a cluster'],
  ['a client of another library', { connection: { duplicate: () => undefined } }, 'no client of ioredis'],
  ['an empty name', { connection, name: '' }, '`name` is a word'],
  ['a name with a colon', { connection, name: 'a:b' }, '`name` must hold no `:`'],
  ['a prefix that is no word', { connection, prefix: 7 }, '`prefix` is a word'],
  ['a horizon that is too short', { connection, horizonMs: 10 }, '`horizonMs` is a whole number from 1000'],
  ['no concurrency', { connection, concurrency: 0 }, '`concurrency` is a whole number from 1'],
  ['half a millisecond', { connection, lookEveryMs: 100.5 }, '`lookEveryMs` is a whole number from 100'],
]

test.each(wrong)('%s is refused', (_, options, says) => {
  const make = () => bullmqQueue(options as BullmqQueueOptions)
  expect(make).toThrow(TypeError)
  expect(make).toThrow(says)
  expect(make).not.toThrow('hunter2')
})

test('a queue that is made and not used connects to nothing, and its horizon is ten minutes', async () => {
  const queue = bullmqQueue({ connection: 'redis://127.0.0.1:1' })
  expect(queue.horizonMs).toBe(600_000)
  await queue.close()
})
