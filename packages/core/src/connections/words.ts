// Errors that several calls share, and text from outside made fit to show.

import { PublishError } from '../contract/error.ts'
import { redact } from '../http/redact.ts'

/** Anything that looks like a token, however the platform came by it. */
const tokenLike = /[\w.~+/%=-]{24,}/g
const controls = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** One line that is safe in a page and a log: no markup, no control characters, none of `secrets`, nothing that looks like a token. At most 200 characters before escaping. */
export const plain = (text: string, secrets: Iterable<string> = []): string =>
  redact(text.replace(controls, ' '), secrets)
    .replace(tokenLike, '[…]')
    .slice(0, 200)
    .replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)

/** The same for an id that does not exist and one of another tenant. */
export const noSuchConnection = (id: string): PublishError =>
  new PublishError(
    'gone',
    `There is no such connection: ${JSON.stringify(String(id).slice(0, 64))}. Look at \`connections.list({ tenant })\` for the ones of this tenant.`,
  )

export const reconnectNeeded = (platform: { id: string; name: string }, why: string): PublishError =>
  new PublishError('auth', `${platform.name} does not accept the stored credentials any more (${why}). Connect the account again with \`reconnect\`.`, {
    platform: platform.id,
  })

/** Refuses a call that a plain JavaScript host got wrong. */
export const mustBeText = (value: unknown, name: string): string => {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`connections: \`${name}\` must be a string that is not empty.`)
}
