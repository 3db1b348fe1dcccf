// How the emulated X answers: JSON and problem documents (platforms-major 1.6).

import type { Account, Token, XStage } from './state.ts'

/** One authenticated call on its way to a handler. */
export interface Call {
  readonly stage: XStage
  readonly request: Request
  readonly url: URL
  readonly account: Account
  readonly token: Token
  /** What the parentheses of the route's path matched. */
  readonly path: readonly string[]
}

/** A refusal on its way out. */
export class Refused extends Error {
  readonly reply: Response
  constructor(reply: Response) {
    super(`answered ${reply.status}`)
    this.reply = reply
  }
}

export const json = (body: unknown, status = 200): Response => Response.json(body, { status, headers: { 'content-type': 'application/json; charset=utf-8' } })

const problem = (status: number, body: object): Response => Response.json(body, { status, headers: { 'content-type': 'application/problem+json' } })

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
}

/** The generic error: type `about:blank`. */
export const blank = (status: number, detail?: string): Response => {
  const title = titles[status] ?? 'Error'
  return problem(status, { detail: detail ?? title, type: 'about:blank', title, status })
}

export interface Fault {
  message: string
  parameters: Record<string, string[]>
}

export const invalid = (...errors: Fault[]): Response =>
  problem(400, {
    errors,
    title: 'Invalid Request',
    detail: 'One or more parameters to your request was invalid.',
    type: 'https://api.x.com/2/problems/invalid-request',
  })

export const notFound = (resource: 'tweet' | 'user' | 'media', parameter: string, id: string) => ({
  value: id,
  detail: `Could not find ${resource} with ${parameter}: [${id}].`,
  title: 'Not Found Error',
  resource_type: resource,
  parameter,
  resource_id: id,
  type: 'https://api.x.com/2/problems/resource-not-found',
})

export const missing = (resource: 'tweet' | 'media', id: string): Response => problem(404, notFound(resource, 'id', id))

/** The enrolment problem of an app whose plan lacks an endpoint. */
export const notEnrolled = (): Response =>
  problem(403, {
    client_id: 'sandbox-client',
    detail: 'When authenticating requests to the X API v2 endpoints, you must use keys and tokens from an App that is enrolled in the requested endpoint.',
    registration_url: 'https://developer.x.com/en/docs/projects/overview',
    title: 'Client Forbidden',
    required_enrollment: 'Appropriate Level of API Access',
    reason: 'client-not-enrolled',
    type: 'https://api.x.com/2/problems/client-forbidden',
  })

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The JSON object of a request, or the refusal of anything else. */
export const bodyOf = async (request: Request): Promise<Record<string, unknown>> => {
  const body: unknown = await request.json().catch(() => undefined)
  if (!isObject(body)) throw new Refused(invalid({ message: 'Requests with a body must be well-formed JSON objects.', parameters: {} }))
  return body
}
