// Keeps secrets out of messages. What a platform says is shown to people and stored, so it may hold no credential and no query string.

/** Where platforms echo what they were sent. Linear: no nested quantifier. */
const queryOf = /\?[\w.~%[\]-]+=[^\s"'<>]*/g
/** In whole addresses, a database's among them. */
const userOf = /\/\/[^\s/@]{1,500}@/g
const bearer = /\b(bearer|basic|dpop)\s+[\w.~+/=-]{6,}/gi
const longest = 300
const leastSecret = 4

/** Half a character has no encoding. */
const wellFormed = (text: string): string => Buffer.from(text).toString()

const encoded = (secret: string): string[] => {
  const uri = encodeURIComponent(wellFormed(secret))
  return [
    uri,
    uri.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
  ]
}

/** Longest first: a secret that begins with another one must not leave its end behind. */
const formsOf = (secrets: Iterable<string>): string[] =>
  [...new Set([...secrets].filter(({ length }) => length >= leastSecret).flatMap((secret) => [secret, ...encoded(secret)]))].sort((a, b) => b.length - a.length)

/** One line of at most 300 characters, without the given secrets, authorization values or query strings. */
export const redact = (text: string, secrets: Iterable<string> = []): string => {
  let clean = text
  for (const secret of formsOf(secrets)) clean = clean.replaceAll(secret, '[secret]')
  clean = clean
    .slice(0, 4_000)
    .replace(queryOf, '')
    .replace(userOf, '//')
    .replace(bearer, '$1 [secret]')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return clean.length > longest ? `${wellFormed(clean.slice(0, longest - 1))}…` : clean
}
