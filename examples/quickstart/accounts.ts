// Connects one account per platform, by the flows that users go through, and uses again what is connected already.

import { randomUUID } from 'node:crypto'
import type { ConnectionInfo, Fetch } from '@syndikit/core'
import { consent } from '@syndikit/sandbox'
import type { App, Platform } from './app.ts'
import type { LiveAccounts } from './live.ts'

export interface Accounts {
  readonly app: App
  readonly tenant: string
  readonly fetch: Fetch
  readonly live: LiveAccounts
  /** Who agrees on X's emulated page. Default: the account that it has chosen. */
  readonly account?: string | undefined
}

/** OAuth: the platform's own page asks the user, and sends the browser back with a code. */
const byConsent = async ({ app, tenant, fetch, account }: Accounts, platform: Platform, more: { server?: string; reconnect: string | undefined }) => {
  // Yours is one address of your app. Here each consent has its own, because a sandbox that was started anew has forgotten every registered app.
  const redirectUri = `https://quickstart.example/callback/${randomUUID()}`
  const session = randomUUID() // of the user's browser: the callback must come from the same one
  const { url } = await app.connections.begin({ tenant, platform, redirectUri, session, ...more })
  // In your app the browser goes to `url`, and comes back to `redirectUri`. Here nobody is there to press the button.
  const callbackUrl = await consent(fetch, url, platform === 'x' && account ? { account } : {})
  return app.connections.complete({ tenant, callbackUrl, session })
}

/** What the user typed: an app password, a token. */
const sandboxPassword = { identifier: 'sandbox-sara.bsky.social', appPassword: 'sand-boxx-pass-0001' }

const connect = (accounts: Accounts, platform: Platform, reconnect: string | undefined): Promise<readonly ConnectionInfo[]> => {
  const { app, tenant, live } = accounts
  const real = live[platform]
  if (real) return app.connections.open({ tenant, platform, ...real, ...(platform === 'mastodon' && { method: 'keys' }), reconnect })
  if (platform === 'bluesky') return app.connections.open({ tenant, platform, fields: sandboxPassword, reconnect })
  return byConsent(accounts, platform, { ...(platform === 'mastodon' && { server: 'https://mastodon.example' }), reconnect })
}

const accountOn = async (accounts: Accounts, platform: Platform): Promise<ConnectionInfo> => {
  const { app, tenant } = accounts
  const known = (await app.connections.list({ tenant, platform, state: 'active' })).connections[0]
  // Whether the platform still takes the stored credentials shows when they are used: nothing is asked in advance.
  if (known && known.state !== 'needs_reauth' && known.state !== 'revoked') return known
  const [connected] = await connect(accounts, platform, known?.id)
  if (!connected) throw new Error(`${platform}: the consent opened no account.`)
  return connected
}

/** Where a platform takes the credentials no longer, its deliveries wait. Your app would ask the user; here the account is connected again at once, and what waits goes out. */
export const reconnectWhenAsked = (accounts: Accounts, say: (line: string) => void): void => {
  const { app, tenant } = accounts
  app.on('grant:needs-reauth', async ({ platform, grantId }) => {
    const { connections } = await app.connections.list({ tenant, platform, state: 'active' })
    const refused = connections.find((connection) => connection.grantId === grantId)
    if (!refused) return
    say(`${platform}: ${refused.name} must be connected again.`)
    await connect(accounts, refused.platform as Platform, refused.id)
  })
}

/** One connection for each platform, in their order. */
export const connectAccounts = (accounts: Accounts, platforms: readonly Platform[]): Promise<ConnectionInfo[]> =>
  Promise.all(platforms.map((platform) => accountOn(accounts, platform)))
