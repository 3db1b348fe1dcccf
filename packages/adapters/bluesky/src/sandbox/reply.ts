// How XRPC answers: JSON, and errors as `{ error, message }`.

import type { Account, BlueskyStage, Fields, Json } from './state.ts'

/** One call on its way to a handler. */
export interface Call {
  readonly stage: BlueskyStage
  readonly request: Request
  readonly url: URL
}
/** With the account whose token it carried. */
export interface OwnCall extends Call {
  readonly account: Account
}

/** A refusal on its way out. */
export class Refused extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
  reply(): Response {
    return Response.json({ error: this.code, message: this.message }, { status: this.status })
  }
}

export const json = (body: object, status = 200): Response => Response.json(body, { status })

export const invalid = (message: string): Refused => new Refused(400, 'InvalidRequest', message)
export const unauthorized = (code = 'AuthenticationRequired', message = 'Authentication Required'): Refused => new Refused(401, code, message)
/** What an error that nobody caught becomes. */
export const uncaught = (): Refused => new Refused(500, 'InternalServerError', 'Internal Server Error')

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

const jsonLimit = 1_000_000

export const bodyOf = async (request: Request): Promise<Fields> => {
  const type = request.headers.get('content-type')
  const text = await request.text().catch(() => '')
  if (text === '') throw invalid('A request body is expected but none was provided')
  if (!type) throw invalid('Request encoding (Content-Type) required but not provided')
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json') throw invalid(`Wrong request encoding (Content-Type): ${type.split(';')[0]?.trim()}`)
  if (Buffer.byteLength(text) > jsonLimit) throw new Refused(413, 'PayloadTooLarge', 'request entity too large')
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw invalid('The request body is not valid JSON')
  }
  if (!isFields(body)) throw invalid('Expected object value type at $')
  return body
}

/** Reference servers since 2026 refuse a body where none belongs. */
export const noBody = async (request: Request): Promise<void> => {
  if ((await request.text().catch(() => '')) !== '') throw invalid('A request body was provided when none was expected')
}

export const text = (from: Fields, key: string): string => {
  const value = from[key]
  if (value === undefined) throw invalid(`Missing required key "${key}" at $`)
  if (typeof value !== 'string') throw invalid(`Expected string value type (got ${JSON.stringify(value)}) at $.${key}`)
  return value
}

export const textIf = (from: Fields, key: string): string | undefined => (from[key] === undefined ? undefined : text(from, key))

export const param = (url: URL, key: string): string => {
  const value = url.searchParams.get(key)
  if (value === null) throw invalid(`Missing required key "${key}" at $`)
  return value
}

export const objectIn = (from: Fields, key: string): Fields => {
  const value: Json | undefined = from[key]
  if (value === undefined) throw invalid(`Missing required key "${key}" at $`)
  if (!isFields(value)) throw invalid(`Expected object value type at $.${key}`)
  return value
}
