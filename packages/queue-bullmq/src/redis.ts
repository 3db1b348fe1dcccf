// BullMQ on Redis. Every connection is ours: the host's client lends its settings and is left alone.

import { createRequire } from 'node:module'
import { Queue, Worker } from 'bullmq'
import type { Redis, RedisOptions } from 'ioredis'
import { type Backend, type Consumer, type Producer, patienceMs, type Signals, within, workerOptions } from './backend.ts'
import { isRedisClient, type RedisClient, type RedisSettings } from './options.ts'
import { expireMs, slotsOn } from './slots.ts'

type Given = string | RedisSettings | RedisClient
type Constructor = new (...given: (string | object)[]) => Redis

const retryStrategy = (times: number): number => Math.min(times * 100, 1_000)

/** A hint must not wait: what cannot be sent now is refused. */
const forHints: RedisOptions = { enableOfflineQueue: false, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false, commandTimeout: patienceMs }
/** BullMQ's workers wait for their server as long as it takes. */
const forJobs: RedisOptions = { enableOfflineQueue: true, maxRetriesPerRequest: null, commandTimeout: undefined }
/** A read must not wait either, and what was lost is made anew. */
const forSlots: RedisOptions = { ...forHints, connectTimeout: patienceMs, retryStrategy: () => null }

/** ioredis is needed by those who have Redis only. */
const constructorOf = (): Constructor => {
  try {
    return (createRequire(import.meta.url)('ioredis') as { Redis: Constructor }).Redis
  } catch (error) {
    throw new TypeError('bullmqQueue: ioredis is not installed. Run `npm install ioredis`.', { cause: error })
  }
}

const connect = (given: Given, own: RedisOptions): Redis => {
  if (typeof given !== 'string' && isRedisClient(given)) return given.duplicate({ lazyConnect: false, ...own }) as Redis
  const Client = constructorOf()
  if (typeof given === 'string') return new Client(given, { retryStrategy, ...own })
  const { url, ...settings } = given
  const all = { retryStrategy, ...settings, ...own, lazyConnect: false }
  return typeof url === 'string' ? new Client(url, all) : new Client(all)
}

/** Hears a client for as long as it is not ended by us. */
const listen = (client: Redis, { failed, mended }: Signals) => {
  let closing = false
  client.on('error', (error: unknown) => {
    if (!closing) failed(error)
  })
  client.on('close', () => {
    if (!closing) failed(new Error('closed'))
  })
  client.on('ready', mended)
  return {
    end: () => {
      closing = true
      client.disconnect()
    },
  }
}

const unreachable = (): Error => Object.assign(new Error('syndikit: Redis cannot be reached.'), { name: 'QueueUnreachable' })

/** Waits for a first connection only; one that was lost is not waited for. */
const readyOf = (client: Redis): (() => Promise<void>) => {
  const first = new Promise<void>((resolve, reject) => {
    client.once('ready', resolve)
    client.once('close', () => reject(unreachable()))
  })
  first.catch(() => undefined)
  return async () => {
    if (client.status === 'ready') return
    await within(patienceMs, first)
    if ((client.status as string) !== 'ready') throw unreachable()
  }
}

const policyOf = async (client: Redis): Promise<string> => /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1] ?? 'noeviction'

const refuseEviction = async (client: Redis): Promise<void> => {
  const policy = await policyOf(client)
  if (policy !== 'noeviction')
    throw new TypeError(
      `bullmqQueue: this Redis evicts keys when its memory is full (maxmemory-policy ${policy}), and jobs with them. Run \`CONFIG SET maxmemory-policy noeviction\`, and write \`maxmemory-policy noeviction\` into its redis.conf.`,
    )
}

const producer = (given: Given, name: string, prefix: string, signals: Signals): Producer => {
  const client = connect(given, forHints)
  const { end } = listen(client, signals)
  // It asks for the version once, and would never recover from a connection that is lost at that moment.
  const queue = new Queue(name, { connection: client, prefix, skipVersionCheck: true, streams: { events: { maxLen: 100 } } })
  queue.on('error', () => undefined)
  const ready = readyOf(client)
  return {
    queue,
    ready,
    get dead() {
      return client.status === 'end'
    },
    check: async () => {
      await ready()
      await refuseEviction(client)
    },
    close: async () => {
      await within(patienceMs, queue.close()).catch(() => undefined)
      end()
    },
  }
}

const consumer = (given: Given, name: string, prefix: string, [permit, concurrency, signals]: Parameters<Backend['consumer']>): Consumer => {
  const client = connect(given, forJobs)
  const { end } = listen(client, signals)
  const worker = new Worker(name, permit, { ...workerOptions(concurrency), connection: client, prefix })
  return { worker, end }
}

/** @throws TypeError where ioredis is needed and not there. */
export const redisBackend = (given: Given, name: string, prefix: string): Backend => {
  if (typeof given === 'string' || !isRedisClient(given)) constructorOf()
  return {
    producer: (signals) => producer(given, name, prefix, signals),
    consumer: (...all) => consumer(given, name, prefix, all),
    slots: (ended) => slotsOn({ client: connect(given, forSlots), scope: `${prefix}:${name}`, expireMs, ended }),
  }
}
