// A process of its own that uses consents: many callbacks, many uses of one account, or a key rotation. Started by consents.test.ts.
import { createSyndikit, defineAdapter } from '@syndikit/core'
import { sqliteStorage } from '@syndikit/storage-sqlite'

export interface Order {
  readonly file: string
  readonly keys: readonly string[]
  /** Where the platform answers. */
  readonly platform: string
  readonly calls: number
  readonly act: 'complete' | 'verify' | 'rotate'
  /** The callback, or the connection's id. */
  readonly on?: string
}

export const tenant = 'tenant'

export const syndikitOf = ({ file, keys, platform }: Pick<Order, 'file' | 'keys' | 'platform'>) => {
  const urls = { authorizeUrl: 'https://acme.test/oauth/authorize', tokenUrl: 'https://acme.test/oauth/token' }
  const acme = defineAdapter({
    contract: 1,
    id: 'acme',
    name: 'Acme',
    auth: [{ type: 'oauth2', client: { id: 'client', ...urls }, scopes: ['write'], rotation: 'family' }],
    http: { base: 'https://acme.test/api/', hosts: ['acme.test'] },
    accounts: async ({ http }) => http.get('accounts', { accept: ({ json }) => json as { id: string; name: string }[] }),
    content: [],
    errors: { read: () => ({}), table: [] },
  })
  const fetch = (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url)
    return globalThis.fetch(new Request(`${platform}${pathname}${search}`, request))
  }
  return createSyndikit({ adapters: [acme], storage: sqliteStorage(file), keys, fetch })
}

const act = async (order: Order): Promise<unknown[]> => {
  const syndikit = syndikitOf(order)
  await syndikit.open()
  console.log('ready')
  const { calls, on = '' } = order
  const one = async (): Promise<unknown> => {
    if (order.act === 'complete') return (await syndikit.connections.complete({ tenant, callbackUrl: on })).length
    if (order.act === 'verify') return (await syndikit.connections.verify({ tenant, id: on })).state
    return (await syndikit.vault.rotate({ limit: 3 })).remaining
  }
  const results = await Promise.all(Array.from({ length: calls }, () => one().catch((error: unknown) => (error instanceof Error ? error.message : 'no error'))))
  await syndikit.close()
  return results
}

const order = process.argv[2]
if (order !== undefined && import.meta.filename === process.argv[1]) console.log(`results ${JSON.stringify(await act(JSON.parse(order) as Order))}`)
