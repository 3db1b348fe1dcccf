// A file from the web into a local file: redirects, bytes and time are bounded, and nothing is believed about it.

import { type FileHandle, open, rm } from 'node:fs/promises'
import { PublishError } from '../contract/error.ts'
import type { Clock, Fetch } from '../contract/ports.ts'
import { before, leave, save, transient } from './save.ts'

export interface DownloadOptions {
  readonly maxBytes: number
  /** For everything together: all hops and the whole body. */
  readonly timeoutMs: number
  /** Followed at most. Default 3. */
  readonly redirects?: number
  readonly clock: Clock
  /** A path where nothing is yet. Gone again after a failure. */
  readonly into: string
}

/** Without the query: signed URLs carry their secret there. */
const shown = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`

const urlOf = (text: string, base?: URL): URL => {
  const where = base ? `${shown(base)} redirects to an address that` : 'The URL of the file'
  if (!URL.canParse(text, base?.href)) throw new PublishError('media', `${where} cannot be read: give a whole http or https URL.`)
  const url = new URL(text, base)
  if (!/^https?:$/.test(url.protocol)) throw new PublishError('media', `${where} begins with ${url.protocol}: only http and https files can be fetched.`)
  if (url.username || url.password) throw new PublishError('media', `${where} holds a user name or password: give one that needs neither.`)
  return url
}

const refusal = (url: URL, status: number): PublishError => {
  const answered = `${shown(url)} answered ${status} instead of the file`
  return status === 408 || status === 425 || status === 429 || status >= 500
    ? transient(`${answered}. Try again later.`)
    : new PublishError('media', `${answered}. Make sure that the URL opens without logging in and has not expired.`, { status })
}

const find = async (fetch: Fetch, first: URL, redirects: number, signal: AbortSignal): Promise<{ url: URL; response: Response }> => {
  let url = first
  for (let hop = 0; hop <= redirects; hop++) {
    const response = await before(fetch(new Request(url, { signal, redirect: 'manual' })), signal)
    if (response.ok) return { url, response }
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) throw refusal(url, response.status)
    url = urlOf(location, url)
  }
  throw new PublishError('media', `${shown(first)} redirects more than ${redirects} times. Give the address of the file itself.`)
}

const tooLarge = (url: URL, maxBytes: number): PublishError =>
  new PublishError('media', `${shown(url)} is larger than the ${maxBytes} bytes that are fetched at most. Give a smaller file, or raise \`media.maxBytes\`.`)

const store = async (response: Response, url: URL, file: FileHandle, maxBytes: number, signal: AbortSignal): Promise<number> => {
  const pieces = response.body?.[Symbol.asyncIterator]()
  if (!pieces) return 0
  if (Number(response.headers.get('content-length')) > maxBytes) {
    leave(pieces)
    throw tooLarge(url, maxBytes)
  }
  return save(pieces, file, { maxBytes, signal, tooLarge: () => tooLarge(url, maxBytes) })
}

/**
 * Fetches `address` into `options.into` and answers how many bytes. The guard of `fetch` checks every hop.
 * Bytes are stored as they come: a compressed body stays compressed and counts as it is. Fails with a `PublishError`: `media` where the file is at fault, `invalid` where the guard refuses,
 * `transient` where trying again may help.
 */
export const download = async (fetch: Fetch, address: string, options: DownloadOptions): Promise<{ readonly bytes: number; readonly url: string }> => {
  const { maxBytes, timeoutMs, redirects = 3, clock, into } = options
  const first = urlOf(address)
  const over = new AbortController()
  const done = new AbortController()
  void clock.sleep(timeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) over.abort(transient(`${shown(first)} did not arrive within ${timeoutMs} ms. Try again later.`))
  })
  const file = await open(into, 'wx', 0o600)
  try {
    const { url, response } = await find(fetch, first, redirects, over.signal)
    const bytes = await store(response, url, file, maxBytes, over.signal)
    await file.close()
    return { bytes, url: url.href }
  } catch (error) {
    await file.close().catch(() => {})
    await rm(into, { force: true })
    if (PublishError.is(error)) throw error
    const code = (error as NodeJS.ErrnoException | undefined)?.code
    throw transient(`${shown(first)} could not be fetched${code ? ` (${code})` : ''}. Try again later.`, error)
  } finally {
    done.abort()
  }
}
