// Real servers instead of emulators, where the environment has accounts for them.

import { type Fetch, guardedFetch } from '@syndikit/core'
import { sandboxFetch } from '@syndikit/sandbox'
import type { Platform } from './app.ts'
import type { Sandbox } from './sandbox-process.ts'

/** What `connections.open` wants. */
export interface LiveAccount {
  readonly fields: Readonly<Record<string, string>>
  readonly server?: string
}
export type LiveAccounts = Partial<Readonly<Record<Platform, LiveAccount>>>

/** All of the variables, or none. */
const given = (env: NodeJS.ProcessEnv, names: readonly string[]): readonly string[] | undefined => {
  const missing = names.filter((name) => !env[name])
  if (missing.length === names.length) return undefined
  if (missing.length > 0) throw new Error(`The environment has only some of ${names.join(', ')}. Set ${missing.join(' and ')} too, or none of them.`)
  return names.map((name) => env[name] as string)
}

export const liveAccounts = (env: NodeJS.ProcessEnv): LiveAccounts => {
  const [service, identifier, appPassword] = given(env, ['BLUESKY_SERVICE', 'BLUESKY_HANDLE', 'BLUESKY_APP_PASSWORD']) ?? []
  const [server, token] = given(env, ['MASTODON_SERVER', 'MASTODON_TOKEN']) ?? []
  return {
    ...(service && identifier && appPassword && { bluesky: { fields: { service, identifier, appPassword } } }),
    ...(server && token && { mastodon: { server, fields: { token } } }),
  }
}

/** `*` stands for one label. */
const covers = (pattern: string, host: string): boolean => {
  const labels = host.split('.')
  const wanted = pattern.split('.')
  return wanted.length === labels.length && wanted.every((label, i) => label === '*' || label === labels[i])
}

/** The servers that whoever runs this named may be on this machine, such as a server under development. */
const named = (live: LiveAccounts): string[] =>
  Object.values(live).flatMap(({ server, fields }) => {
    const address = server ?? fields.service ?? ''
    const url = address.includes('://') ? address : `https://${address}`
    return URL.canParse(url) && /^https?:/.test(url) ? [new URL(url).origin] : []
  })

/** The network: emulated hosts at the sandbox, and everything else only where an account is real. So a run without real accounts cannot reach anybody. */
export const networkFor = (sandbox: Sandbox | undefined, live: LiveAccounts): Fetch => {
  const real = guardedFetch({ allow: named(live) })
  if (!sandbox) return real
  const emulated = sandboxFetch(sandbox.url)
  if (Object.keys(live).length === 0) return emulated
  const hosts = sandbox.platforms.filter(({ platform }) => !Object.hasOwn(live, platform)).flatMap((one) => one.hosts)
  return (request) => (hosts.some((pattern) => covers(pattern, new URL(request.url).hostname)) ? emulated : real)(request)
}
