// Logging in with an app password. Where the account lives is told by the answer: its own server (PDS), which all later calls go to.

import { PublishError, type Session, type Tokens } from '@syndikit/core'
import { z } from 'zod'

export const entryway = 'https://bsky.social'

const origin = z.url({ protocol: /^https$/, error: 'a whole https address of a server, such as `https://bsky.social`' }).transform((url) => new URL(url).origin)

const fields = z.strictObject({
  /** Handle, DID or e-mail address. */
  identifier: z
    .string()
    .trim()
    .min(1)
    .transform((text) => text.replace(/^@/, '')),
  /** Made in Bluesky under Settings, Privacy and security, App passwords. */
  appPassword: z.string().trim().min(1),
  /** The server to log in at. Default: the one named for the connection, else Bluesky's own, which knows the servers of all accounts it hosts. */
  service: origin.optional(),
})

const session = z.object({
  accessJwt: z.string(),
  refreshJwt: z.string(),
  didDoc: z.object({ service: z.array(z.object({ id: z.string(), serviceEndpoint: z.unknown() })).optional() }).optional(),
})

const tokensOf = ({ accessJwt, refreshJwt, didDoc }: z.output<typeof session>): Tokens => {
  const pds = origin.safeParse(didDoc?.service?.find(({ id }) => id.endsWith('#atproto_pds'))?.serviceEndpoint).data
  return { access: accessJwt, refresh: refreshJwt, ...(pds !== undefined && { server: pds }) }
}

/** A used refresh token answers with the same new pair for two hours (account-manager.ts REFRESH_GRACE_MS, 2026-08-20). */
const graceMs = 2 * 60 * 60_000

const mends: ReadonlyMap<string | undefined, string> = new Map([
  [
    'AuthenticationRequired',
    'knows no such account with this app password. Look at both; where the account lives on a server other than bsky.social, give its address as `service`.',
  ],
  [
    'AuthFactorTokenRequired',
    'wants a code from an e-mail for this password. Log in with an app password instead (Settings, Privacy and security, App passwords).',
  ],
])

/** The same refusal, saying what to do about it where its own words do not. A gateway's 5xx says nothing of the address. */
const mended = (error: unknown): unknown => {
  if (!PublishError.is(error)) return error
  const { code, outcome, platformCode, status } = error
  const noServer = platformCode === undefined && status !== undefined && status < 408
  const fix = noServer
    ? `was not there: what answered ${status} is no server of the AT Protocol. Look at \`service\`, the address of the account's server.`
    : mends.get(platformCode)
  return fix === undefined ? error : new PublishError(code, `Bluesky ${fix}`, { platform: 'bluesky', outcome, platformCode, status })
}

export const appPasswordSession: Session<typeof fields> = {
  type: 'session',
  fields,
  rotation: { graceMs },
  open: async ({ identifier, appPassword, service }, http) => {
    const server = service?.reveal()
    try {
      // Without `service` at the server that the host names for the connection, else at Bluesky's own: that is the base of `http`.
      const opened = await http.post(`${server === undefined ? '' : `${server}/xrpc/`}com.atproto.server.createSession`, {
        json: { identifier: identifier.reveal(), password: appPassword.reveal() },
        foreign: true, // no credential of an earlier session may go there
        accept: session,
      })
      return { ...(server !== undefined && { server }), ...tokensOf(opened) }
    } catch (error) {
      throw mended(error)
    }
  },
  renew: async (http) => tokensOf(await http.post('com.atproto.server.refreshSession', { accept: session })),
  close: async (http) => http.post('com.atproto.server.deleteSession'),
}
