// An adapter's calls over answers that a test gives: for error tables and for what a platform's emulator never says.

import { type Adapter, createHttp, type Fetch, type Http, PublishError } from '@syndikit/core'
import { type VirtualClock, virtualClock } from '../virtual-clock.ts'

/** What the calls carry, and when they are made. */
export interface HttpForOptions {
  /** On platforms with many servers: the account's. */
  readonly server?: string | undefined
  /** What every call to the platform's own hosts carries. */
  readonly bearer?: string | undefined
  /** Default: a clock of its own, at 2026-11-20, 09:00 UTC. */
  readonly clock?: VirtualClock | undefined
}

const open = (adapter: Adapter, answer: Fetch, { server, bearer, clock = virtualClock() }: HttpForOptions, commits = false): Http => {
  const http = createHttp({
    adapter,
    server,
    fetch: answer,
    clock,
    ...(bearer !== undefined && { credentials: async () => ({ bearer }) }),
    ...(commits && { mode: () => 'commit' }),
  })
  const driven =
    (name: keyof Http): Http[keyof Http] =>
    (url, call) =>
      clock.drive(http[name](url, call))
  return { get: driven('get'), post: driven('post'), put: driven('put'), patch: driven('patch'), delete: driven('delete') }
}

/**
 * The client that core gives to an adapter, with `answer` for a network: base address, hosts, credentials, repeats and errors are core's own.
 * Pauses pass in virtual time.
 */
export const httpFor = (adapter: Adapter, answer: Fetch, options: HttpForOptions = {}): Http => open(adapter, answer, options)

/**
 * What core makes of a platform's answer to a commit, by the adapter's error table.
 * @throws Error where the answer is no refusal.
 */
export const errorFrom = async (adapter: Adapter, reply: Response): Promise<PublishError> => {
  const http = open(adapter, async () => reply, { server: 'https://server.example', bearer: 'a-bearer-of-the-test' }, true)
  const error = await http.post('a-commit', { json: {} }).catch((error: unknown) => error)
  if (!PublishError.is(error)) throw new Error(`A ${reply.status} was taken for no refusal: ${String(error)}`)
  return error
}
