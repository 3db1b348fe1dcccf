// The app of the campaign: the Syndikit that every one of its processes builds, from what the campaign put into its environment.

import { createSyndikit, type Logger } from '@syndikit/core'
import { sandboxFetch } from '@syndikit/sandbox'
import { campaignAdapter } from './adapter.ts'
import { type Class, leaseMs, requestTimeoutMs } from './classes.ts'
import { type Place, queueAt, storageAt } from './drivers.ts'
import { accounts, platformId } from './platform.ts'

/** Plain JSON: it travels in the environment. */
export interface Scene {
  readonly door: Class
  readonly place: Place
  readonly keys: string
  readonly sandboxUrl: string
  readonly journal: string
  readonly seed: number
  readonly ratePerSecond: number
}

const variable = 'SYNDIKIT_CAMPAIGN'

export const envOf = (scene: Scene): NodeJS.ProcessEnv => ({ ...process.env, [variable]: JSON.stringify(scene) })
export const sceneOf = (env: NodeJS.ProcessEnv): Scene => {
  const text = env[variable]
  if (text === undefined) throw new Error(`This is a process of \`npm run prove\`, which starts it with ${variable}.`)
  return JSON.parse(text) as Scene
}

const say = (fields: object, message: string) => console.error(`${new Date().toISOString()} ${process.pid} ${message} ${JSON.stringify(fields)}`)
/** Into the campaign's log. */
const logger: Logger = { debug: () => undefined, info: say, warn: say, error: say }

/** Enough tries for every outage and fault of a campaign: what it schedules is to go out. */
const retryAfterMs = [500, 1_000, 2_000, 3_000, ...Array.from({ length: 30 }, () => 5_000)]

/**
 * A delivery that takes its worker down three times in a row, and does not get a step further in between, is set aside. Here it is not the delivery that does
 * it: few at a time, so that a death seldom finds the same ones again.
 */
const slots = 8

export const createApp = async ({ door, place, keys, sandboxUrl }: Scene) =>
  createSyndikit({
    deployment: 'campaign',
    adapters: [campaignAdapter(door)],
    storage: await storageAt(place),
    queue: await queueAt(place),
    keys,
    fetch: sandboxFetch(sandboxUrl),
    requestTimeoutMs,
    leaseMs,
    retryAfterMs,
    slots,
    logger,
  })
export type App = Awaited<ReturnType<typeof createApp>>

/** Ids of connections by the names of their accounts. */
export type Connected = Readonly<Record<string, string>>

export const connectAll = async (app: App): Promise<Connected> => {
  const connected: Record<string, string> = {}
  for (const { name, tenant } of accounts) {
    const [connection] = await app.connections.open({ tenant, platform: platformId, fields: { name } })
    if (!connection) throw new Error(`The account ${name} was not connected.`)
    connected[name] = connection.id
  }
  return connected
}

/** A token that ends twice in ten minutes is the platform's last word to Syndikit: the host connects the account again, and what waited for it goes on. */
export const reconnectWhenAsked = (app: App): void => {
  app.on('grant:needs-reauth', async ({ tenant, grantId }) => {
    const { connections } = await app.connections.list({ tenant, platform: platformId, state: 'active' })
    const refused = connections.find((connection) => connection.grantId === grantId)
    if (refused) await app.connections.open({ tenant, platform: platformId, fields: { name: refused.name }, reconnect: refused.id })
  })
}
