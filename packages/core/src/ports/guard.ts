// Keeps requests away from private networks: by URL, and by every address that a name resolves to (SSRF, DNS rebinding).

import { lookup as systemLookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { PublishError } from '../contract/error.ts'
import { markNotSent } from '../contract/ports.ts'
import { notPublic } from './address.ts'

type Lookup = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

export interface GuardOptions {
  /** Origins that may be reached though they are not public, such as `http://127.0.0.1:4000` of a local sandbox. Exact: scheme, host and port. */
  allow?: readonly string[]
  /** Resolves a name. Default: the operating system, hosts file included. */
  lookup?: Lookup
}

export interface Guard {
  /** Throws a `PublishError` marked as not sent. */
  check(url: URL): void
  /** Refuses a name of which any address is not public. The socket connects to an address that was checked, never to a second answer. */
  lookupFor(url: URL): LookupFunction
}

const refuse = (url: URL, what: string): PublishError =>
  markNotSent(
    new PublishError(
      'invalid',
      `${url.protocol}//${url.host} was not called: ${what}. Use a public address, or, where the server is your own, guardedFetch({ allow: ['${url.origin}'] }).`,
    ),
  )

const originOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`)
    throw new TypeError(
      `guardedFetch: \`allow\` has ${JSON.stringify(text)}, which is not an origin. Write scheme, host and port only, as in 'http://127.0.0.1:4000'.`,
    )
  return url.origin
}

const checked = (url: URL, found: Awaited<ReturnType<Lookup>>, allowed: boolean) => {
  if (found.length === 0) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${url.hostname}`), { code: 'ENOTFOUND' })
  for (const { address } of allowed ? [] : found) {
    const range = notPublic(address)
    if (range) throw refuse(url, `${url.hostname} resolves to ${address}, which is not public (${range})`)
  }
  return found.map(({ address }) => ({ address, family: isIP(address) }))
}

export const createGuard = ({ allow = [], lookup = (hostname) => systemLookup(hostname, { all: true }) }: GuardOptions): Guard => {
  const allowed = new Set(allow.map(originOf))
  return {
    check(url) {
      if (!/^https?:$/.test(url.protocol))
        throw markNotSent(new PublishError('invalid', `A ${url.protocol} address cannot be called: use a whole http or https URL.`))
      if (url.username || url.password)
        throw markNotSent(new PublishError('invalid', `${url.protocol}//${url.host} was not called: take the user name and password out of the URL.`))
      const literal = url.hostname.replace(/^\[|\]$/g, '')
      const range = isIP(literal) ? notPublic(literal) : undefined
      if (range && !allowed.has(url.origin)) throw refuse(url, `${literal} is not public (${range})`)
    },
    lookupFor: (url) => (hostname, options, done) => {
      lookup(hostname)
        .then((found) => checked(url, found, allowed.has(url.origin)))
        .then(
          (found) => {
            const first = found[0] as { address: string; family: number }
            if (options.all) done(null, found)
            else done(null, first.address, first.family)
          },
          (error: NodeJS.ErrnoException) => done(error, []),
        )
    },
  }
}
