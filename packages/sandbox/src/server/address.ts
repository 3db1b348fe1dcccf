// How a real address looks under a sandbox server: https://api.x.com/2/tweets is /at/api.x.com/2/tweets.

const prefix = '/at/'

/** The path under the server. `undefined` for what no sandbox serves: another scheme than https, or no URL. */
export function pathOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, host, pathname, search, hash } = new URL(url)
  return protocol === 'https:' ? `${prefix}${host}${pathname}${search}${hash}` : undefined
}

/** The real address behind a request's path; `undefined` where it is not below `/at/` or is no address. */
export function realUrl(path: string): URL | undefined {
  const [, host, rest] = /^\/at\/([^/?#\\@]+)(.*)$/s.exec(path) ?? []
  if (host === undefined || rest === undefined) return undefined
  const text = `https://${host}${rest.startsWith('/') ? '' : '/'}${rest}`
  return URL.canParse(text) ? new URL(text) : undefined
}

/**
 * Where a person's browser finds a platform's page in the sandbox: give it the `url` that `connections.begin` answers.
 * Throws a `TypeError` for anything but an https address.
 */
export function sandboxUrl(server: string, url: string): string {
  const path = pathOf(url)
  if (path === undefined)
    throw new TypeError(`sandboxUrl: ${URL.canParse(url) ? new URL(url).origin : 'this'} is not an https address, so no sandbox stands in for it.`)
  return new URL(path, server).href
}
