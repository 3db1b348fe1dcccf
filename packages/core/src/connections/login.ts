// Getting a grant's first credentials: a code exchanged for tokens, a log-in, or keys.

import type { z } from 'zod'
import type { Adapter } from '../contract/adapter.ts'
import { type Applied, type Fields, type Keys, type OAuth2, type OAuthClient, Secret, type Session, type TokenCall, type Tokens } from '../contract/auth.ts'
import { PublishError } from '../contract/error.ts'
import type { Http } from '../contract/http.ts'
import type { Problem } from '../contract/limits.ts'
import { createHttp } from '../http/client.ts'
import { redact } from '../http/redact.ts'
import type { ConnectionsDeps } from './deps.ts'
import { late, patiently, refreshLeaseMs } from './patient.ts'
import { requestTokens, usable } from './token-endpoint.ts'

type Ports = Pick<ConnectionsDeps, 'fetch' | 'clock' | 'random'> & {
  /** Somebody is waiting for the answer; a renewal has nobody. */
  readonly connecting?: boolean
}

/** Beyond our patience: the request is not aborted when we stop waiting, and ends before the lease does. */
const timeoutMs = refreshLeaseMs - 5_000

/** For log-ins: nothing is repeated behind our back, nothing is aborted. */
export const loginHttp = ({ fetch, clock, random, connecting = false }: Ports, adapter: Adapter, server: string | undefined, applied?: Applied): Http =>
  createHttp({
    adapter: { ...adapter, http: { ...adapter.http, timeoutMs } },
    server,
    fetch,
    clock,
    random,
    connecting,
    mode: () => 'commit',
    ...(applied && { credentials: async () => applied }),
  })

export const secretsOf = <F extends z.ZodObject>(fields: Readonly<Record<string, string>>): Fields<F> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, new Secret(value)])) as Fields<F>

const tooLate = (adapter: Adapter) => new PublishError('transient', `${adapter.name} did not answer the log-in in time. Start again.`, { platform: adapter.id })

const inTime = async <T>(ports: Ports, adapter: Adapter, call: Promise<T>): Promise<T> => {
  const answer = await patiently(ports.clock, call)
  if (answer === late) throw tooLate(adapter)
  return answer
}

/** Every problem at once; values are never shown. */
export const checkFields = (adapter: Adapter, auth: Session | Keys, fields: unknown): Record<string, string> => {
  const result = auth.fields.strict().safeParse(fields)
  if (result.success) {
    const given = Object.entries(result.data).filter(([, value]) => value !== undefined && value !== null)
    return Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
  }
  const known = Object.keys(auth.fields.shape).join(', ')
  const problems = result.error.issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        code: 'unknown-field',
        platform: adapter.id,
        pointer: `/fields/${key}`,
        fix: `Leave it out. The fields are: ${known}.`,
      }))
    }
    const name = issue.path.join('/')
    const missing = typeof fields === 'object' && fields !== null && Object.hasOwn(fields, String(issue.path[0]))
    return [
      {
        code: missing ? 'field-invalid' : 'field-missing',
        platform: adapter.id,
        pointer: `/fields/${name}`,
        fix: `${issue.message}. The fields are: ${known}.`,
      },
    ]
  })
  const list = problems.map(({ pointer, code }) => `${pointer} (${code})`).join(', ')
  throw new PublishError('invalid', `${adapter.name}: these fields do not fit: ${list}. The fields are: ${known}.`, { platform: adapter.id, problems })
}

/** A server may echo what was typed. */
const withoutTyped = (error: unknown, fields: Readonly<Record<string, string>>): unknown => {
  if (!PublishError.is(error)) return error
  const { code, platform, outcome, retryAfterMs, status } = error
  const typed = Object.values(fields)
  const platformCode = error.platformCode === undefined ? undefined : redact(error.platformCode, typed)
  return new PublishError(code, redact(error.message, typed), { platform, outcome, retryAfterMs, status, platformCode })
}

/** Logs in; an answer without an access token is not taken for one. */
export const openSession = async (
  ports: Ports,
  adapter: Adapter,
  auth: Session,
  fields: Readonly<Record<string, string>>,
  server: string | undefined,
): Promise<Tokens> => {
  try {
    return sessionTokens(adapter, await auth.open(secretsOf(fields), loginHttp(ports, adapter, server)))
  } catch (error) {
    throw withoutTyped(error, fields)
  }
}

export const sessionTokens = (adapter: Adapter, tokens: Tokens): Tokens => {
  const sound = usable(tokens)
  if (sound) return sound
  throw new PublishError('unknown', `${adapter.name}: the log-in gave no access token.`, { platform: adapter.id })
}

export const logIn = (ports: Ports, adapter: Adapter, auth: Session, fields: Readonly<Record<string, string>>, server: string | undefined): Promise<Tokens> =>
  inTime(ports, adapter, openSession({ ...ports, connecting: true }, adapter, auth, fields, server))

export interface Exchange {
  readonly auth: OAuth2
  readonly client: OAuthClient
  readonly code: string
  readonly redirectUri: string
  readonly verifier?: string | undefined
}

/** The code for tokens, and a short-lived token for a long-lived one where the platform has two. */
export const exchangeCode = (ports: Ports, adapter: Adapter, { auth, client, code, redirectUri, verifier }: Exchange): Promise<Tokens> => {
  const ask = (call: TokenCall | undefined, grantType: string, parameters: Record<string, string>) =>
    requestTokens(ports, { platform: adapter, client, auth, call, grantType: call?.grantType ?? grantType, parameters, connecting: true })
  const run = async () => {
    const first = await ask(auth.exchange, 'authorization_code', {
      code,
      redirect_uri: redirectUri,
      ...(verifier !== undefined && { code_verifier: verifier }),
    })
    if (!auth.extend) return first
    return { ...first, ...(await ask(auth.extend, 'refresh_token', { [auth.extend.tokenParam ?? 'access_token']: first.access })) }
  }
  return inTime(ports, adapter, run())
}
