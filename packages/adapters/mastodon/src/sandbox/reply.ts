// How a Mastodon server answers, and what a handler gets.

import type { Account, App, MastodonStage, Profile, Server, Token } from './state.ts'

/** One call on its way to a handler. */
export interface Call {
  readonly stage: MastodonStage
  readonly host: string
  readonly server: Server
  readonly profile: Profile
  readonly request: Request
  readonly url: URL
  /** What the parentheses of the route's path matched. */
  readonly path: readonly string[]
  /** Who asks, where a valid token was sent. */
  readonly as?: { readonly token: Token; readonly app: App; readonly account: Account }
}
export type OwnCall = Call & Required<Pick<Call, 'as'>>

/** A refusal on its way out. */
export class Refused extends Error {
  readonly status: number
  readonly description: string | undefined
  constructor(status: number, error: string, description?: string) {
    super(error)
    this.status = status
    this.description = description
  }
  reply(): Response {
    return Response.json({ error: this.message, ...(this.description !== undefined && { error_description: this.description }) }, { status: this.status })
  }
}

export const json = (body: unknown, status = 200): Response => Response.json(body, { status })

export const invalid = (...problems: readonly string[]): Refused => new Refused(422, `Validation failed: ${problems.join(', ')}`)
export const notFound = (): Refused => new Refused(404, 'Record not found')
