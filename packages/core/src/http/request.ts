// From a call of an adapter to the pieces of a request: address, headers, body. Every try builds its body anew.

import type { Adapter } from '../contract/adapter.ts'
import type { Applied } from '../contract/auth.ts'
import type { Call } from '../contract/http.ts'
import type { Media } from '../contract/media.ts'

type Place = { readonly adapter: Pick<Adapter, 'name' | 'http'>; readonly server?: string | undefined }

const placeOf = (server: string | undefined) => (server === undefined ? {} : { server })

/** The address of a call, and whether it may carry credentials: only an https address on one of the platform's own hosts. */
export const addressOf = ({ adapter, server }: Place, url: string, call: Pick<Call<unknown>, 'foreign' | 'query'>): { address: URL; own: boolean } => {
  const { base, hosts } = adapter.http
  const root = typeof base === 'function' ? base(placeOf(server)) : base
  const address = new URL(url, root.endsWith('/') ? root : `${root}/`)
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) address.searchParams.append(name, String(value))
  const allowed = typeof hosts === 'function' ? hosts(placeOf(server)) : hosts
  const own = address.protocol === 'https:' && allowed.includes(address.host)
  if (!own && !call.foreign) {
    throw new TypeError(
      `${adapter.name}: its adapter called ${address.origin}, which is not one of its \`http.hosts\` (${allowed.join(', ')}). Add the host, or pass \`foreign: true\`.`,
    )
  }
  return { address, own: own && !call.foreign }
}

const noLineBreaks = (name: string, value: string): string => {
  if (/[\r\n\0]/.test(value)) throw new TypeError(`The header \`${name}\` holds a line break: it would smuggle in another header.`)
  return value
}

export const headersOf = (adapter: Place['adapter'], call: Call<unknown>, applied: Applied | undefined): Headers => {
  const headers = new Headers({ accept: 'application/json' })
  const put = (given: Readonly<Record<string, string>> | undefined) => {
    for (const [name, value] of Object.entries(given ?? {})) headers.set(name, noLineBreaks(name, value))
  }
  put(adapter.http.headers)
  if (applied?.bearer !== undefined) headers.set('authorization', `Bearer ${noLineBreaks('authorization', applied.bearer)}`)
  if (applied?.basic) headers.set('authorization', `Basic ${Buffer.from(applied.basic.join(':')).toString('base64')}`)
  put(applied?.headers)
  put(call.headers)
  return headers
}

const isMedia = (value: unknown): value is Media => typeof value === 'object' && value !== null && 'sha256' in value && 'stream' in value

const quoted = (name: string): string => name.replace(/[\r\n"\\\0]/g, '_')

/** Multipart by hand, so that a file of 500 MB is streamed with a known length instead of being held in memory. */
const multipart = (form: NonNullable<Call<unknown>['form']>, boundary: string): { stream: ReadableStream<Uint8Array>; bytes: number } => {
  const encoder = new TextEncoder()
  const pieces: { bytes: number; read(): AsyncIterable<Uint8Array> | Uint8Array }[] = []
  const text = (value: string) => {
    const encoded = encoder.encode(value)
    pieces.push({ bytes: encoded.length, read: () => encoded })
  }
  for (const [name, value] of Object.entries(form)) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`
    if (typeof value === 'string') text(`${head}\r\n\r\n${value}`)
    else if (isMedia(value)) {
      text(`${head}; filename="${quoted(value.name)}"\r\nContent-Type: ${value.mime}\r\n\r\n`)
      pieces.push({ bytes: value.bytes, read: () => value.stream() })
    } else {
      text(`${head}; filename="blob"\r\nContent-Type: ${value.type || 'application/octet-stream'}\r\n\r\n`)
      pieces.push({ bytes: value.size, read: () => value.stream() })
    }
    text('\r\n')
  }
  text(`--${boundary}--\r\n`)
  const read = async function* () {
    for (const piece of pieces) {
      const part = piece.read()
      if (part instanceof Uint8Array) yield part
      else yield* part
    }
  }
  return { stream: ReadableStream.from(read()), bytes: pieces.reduce((sum, piece) => sum + piece.bytes, 0) }
}

/** The body, and the headers that belong to it. `unique` makes the multipart boundary. */
export const bodyOf = (call: Call<unknown>, unique: () => string): { body?: NonNullable<RequestInit['body']>; headers: Record<string, string> } => {
  const given = [call.json, call.form, call.fields, call.body].filter((body) => body !== undefined)
  if (given.length > 1) throw new TypeError('A call takes one of `json`, `form`, `fields` and `body`.')
  if (call.json !== undefined) return { body: JSON.stringify(call.json), headers: { 'content-type': 'application/json' } }
  if (call.fields) return { body: new URLSearchParams(call.fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  if (call.form) {
    const boundary = `syndikit-${unique()}`
    const { stream, bytes } = multipart(call.form, boundary)
    return { body: stream, headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': String(bytes) } }
  }
  if (call.body && isMedia(call.body))
    return { body: call.body.stream(), headers: { 'content-type': call.body.mime, 'content-length': String(call.body.bytes) } }
  return call.body ? { body: call.body as Uint8Array<ArrayBuffer>, headers: {} } : { headers: {} }
}

interface Watched {
  readonly body?: NonNullable<RequestInit['body']>
  /** Why it broke off, where it did. */
  broke(): unknown
}

/** A streamed body whose own failure is remembered: whatever is answered to a request that broke off, that is why. */
export const watched = (body: NonNullable<RequestInit['body']> | undefined): Watched => {
  if (!(body instanceof ReadableStream)) return { ...(body !== undefined && { body }), broke: () => undefined }
  let broke: unknown
  const pieces = async function* () {
    try {
      yield* body as ReadableStream<Uint8Array>
    } catch (error) {
      broke = error
      throw error
    }
  }
  return { body: ReadableStream.from(pieces()) as ReadableStream<Uint8Array>, broke: () => broke }
}
