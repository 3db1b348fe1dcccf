// What a host may say of its queue, and what is wrong with what it said.

/** The host's own ioredis client, by what is used of it: its settings, of which connections of ours are made. It is neither used nor ended. */
export interface RedisClient {
  readonly options: object
  readonly isCluster?: boolean
  duplicate(override?: object): unknown
}

/** Settings of a connection, as ioredis takes them. */
export interface RedisSettings {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly tls?: object | undefined
  readonly [name: string]: unknown
}

/** Settings of a pool, as `pg` takes them. */
export interface PostgresSettings {
  readonly connectionString?: string | undefined
  /** Where BullMQ keeps its tables; made when absent. Default `bullmq`. */
  readonly schema?: string | undefined
  /** Creates and migrates BullMQ's tables when it connects. `false`: your own migrations do. Default true. */
  readonly migrate?: boolean | undefined
  readonly [name: string]: unknown
}

/** One of `connection` and `postgres`. Whatever is wrong throws when the queue is made; an unknown option is refused. */
export interface BullmqQueueOptions {
  /** Redis: an URL, ioredis's settings, or your own ioredis client, whose settings are taken over. */
  readonly connection?: string | RedisSettings | RedisClient | undefined
  /** Instead of Redis: an URL or `pg`'s settings. */
  readonly postgres?: string | PostgresSettings | undefined
  /** Of the queue in BullMQ. Deployments on one server need one each: a shared one costs delay. Default `syndikit`. */
  readonly name?: string | undefined
  /** Before every key in Redis. Default `bull`, where BullMQ's tools look. */
  readonly prefix?: string | undefined
  /** How far ahead jobs are made; what is due later is in the database alone. At least 1,000. Default ten minutes. */
  readonly horizonMs?: number | undefined
  /** Jobs that one worker holds at a time. Give the figure that `createSyndikit` has as `slots`. Default 20. */
  readonly concurrency?: number | undefined
  /** A worker asks the database by itself after so long without a wake-up: the longest that a lost job costs. At least 100, at most 60,000. Default 5,000. */
  readonly lookEveryMs?: number | undefined
}

/** Checked, with its defaults. */
export interface Settings {
  readonly server: { readonly redis: string | RedisSettings | RedisClient } | { readonly postgres: PostgresSettings }
  readonly name: string
  readonly prefix: string
  readonly horizonMs: number
  readonly concurrency: number
  readonly lookEveryMs: number
}

const known: Record<keyof BullmqQueueOptions, true> = {
  connection: true,
  postgres: true,
  name: true,
  prefix: true,
  horizonMs: true,
  concurrency: true,
  lookEveryMs: true,
}

const fail = (what: string): never => {
  throw new TypeError(`bullmqQueue: ${what}`)
}

export const isRedisClient = (given: object): given is RedisClient => typeof (given as Partial<RedisClient>).duplicate === 'function'

const wholeNumber = (name: keyof BullmqQueueOptions, given: number | undefined, otherwise: number, least: number, most: number): number => {
  if (given === undefined) return otherwise
  if (!Number.isInteger(given) || given < least || given > most) fail(`\`${name}\` is a whole number from ${least} to ${most}, not ${String(given)}.`)
  return given
}

const word = (name: 'name' | 'prefix', given: string | undefined, otherwise: string): string => {
  if (given === undefined) return otherwise
  if (typeof given !== 'string' || given === '') fail(`\`${name}\` is a word, such as '${otherwise}'.`)
  if (name === 'name' && given.includes(':')) fail("`name` must hold no `:`, which separates BullMQ's keys. Use `-`.")
  return given
}

const redisOf = (given: NonNullable<BullmqQueueOptions['connection']>): Settings['server'] => {
  if (typeof given === 'string') {
    if (!/^rediss?:\/\//.test(given)) fail('`connection` is the URL of a Redis: it begins with `redis://` or `rediss://`. PostgreSQL goes into `postgres`.')
    return { redis: given }
  }
  if (typeof given !== 'object') return fail("`connection` is an URL such as 'redis://localhost', settings such as { host, port }, or your ioredis client.")
  const options = isRedisClient(given) ? given.options : given
  if (isRedisClient(given) && given.isCluster === true)
    fail('`connection` is a cluster, which is not served. A queue needs one Redis, with a replica behind Sentinel if you like: it holds a few thousand jobs.')
  if (typeof options !== 'object' || options === null) fail('`connection` has a `duplicate` but is no client of ioredis. Give an URL or settings.')
  if ('keyPrefix' in options && options.keyPrefix)
    fail('`connection` has a `keyPrefix`, which BullMQ cannot use. Leave it out, and give `prefix` to bullmqQueue.')
  return { redis: given }
}

const postgresOf = (given: NonNullable<BullmqQueueOptions['postgres']>): Settings['server'] => {
  if (typeof given === 'string') {
    if (!/^postgres(ql)?:\/\//.test(given)) fail('`postgres` is an URL that begins with `postgres://`, or settings such as { host, database }.')
    return { postgres: { connectionString: given } }
  }
  if (typeof given !== 'object') return fail('`postgres` is an URL that begins with `postgres://`, or settings such as { host, database }.')
  if (typeof given.connect === 'function')
    fail("`postgres` is a pool. Give its settings or URL instead: BullMQ's tables are in a schema of their own, on connections of their own.")
  return { postgres: given }
}

/** @throws TypeError that names the option and the mend. It never holds what was given as an address: that may be a password. */
export const settingsOf = (options: BullmqQueueOptions): Settings => {
  if (typeof options !== 'object' || options === null) fail("give it an object, such as { connection: 'redis://localhost' }.")
  const stray = Object.keys(options).find((name) => !Object.hasOwn(known, name))
  if (stray !== undefined) fail(`there is no option \`${stray}\`. Remove it, or use one of ${Object.keys(known).join(', ')}.`)
  const { connection, postgres } = options
  if (connection != null && postgres != null) fail('`connection` and `postgres` are two servers. Give one.')
  const server =
    connection != null
      ? redisOf(connection)
      : postgres != null
        ? postgresOf(postgres)
        : fail('give it a `connection` to Redis, or `postgres` where there is none.')
  return {
    server,
    name: word('name', options.name, 'syndikit'),
    prefix: word('prefix', options.prefix, 'bull'),
    horizonMs: wholeNumber('horizonMs', options.horizonMs, 600_000, 1_000, 86_400_000),
    concurrency: wholeNumber('concurrency', options.concurrency, 20, 1, 10_000),
    lookEveryMs: wholeNumber('lookEveryMs', options.lookEveryMs, 5_000, 100, 60_000),
  }
}
