// Keeps secrets out of messages. What a platform says is shown to people and stored, so it may hold no credential and no query string.

/** Where platforms echo what they were sent. Linear: no nested quantifier. */
const queryOf = /(https?:\/\/[^\s?"'<>]{1,500})\?[^\s"'<>]*/g
const bearer = /\b(bearer|basic|dpop)\s+[\w.~+/=-]{6,}/gi
const longest = 300

/** One line of at most 300 characters, without the given secrets, authorization values or query strings. */
export const redact = (text: string, secrets: Iterable<string> = []): string => {
  let clean = text.slice(0, 4_000)
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, '[secret]').replaceAll(encodeURIComponent(secret), '[secret]')
  clean = clean.replace(queryOf, '$1').replace(bearer, '$1 [secret]').replace(/\s+/g, ' ').trim()
  return clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean
}
