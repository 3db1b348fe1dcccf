// Turns a platform's answer into one that a browser can walk on from: addresses of emulated hosts become addresses of this server.

import { pathOf } from './address.ts'

export interface Place {
  /** The real host that answers. */
  readonly host: string
  knows(host: string): boolean
}

const isAbsolute = /^[a-z][a-z0-9+.-]*:|^\/\//i

/** Relative addresses stay: the browser resolves them below `/at/HOST/`. */
function localAddress(address: string, place: Place): string {
  if (!isAbsolute.test(address)) return address.startsWith('/') ? `/at/${place.host}${address}` : address
  const full = address.startsWith('//') ? `https:${address}` : address
  if (!URL.canParse(full) || !place.knows(new URL(full).hostname)) return address
  return pathOf(full) ?? address
}

const decode = (text: string): string => text.replaceAll('&amp;', '&')
const encode = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')

/** Links, forms, images and refreshes. */
export function localHtml(html: string, place: Place): string {
  const local = (address: string) => encode(localAddress(decode(address.trim()), place))
  return html
    .replace(/(\s(?:href|action|formaction|src)\s*=\s*)(?:"([^"]*)"|'([^']*)')/gi, (_, before, double, single) => `${before}"${local(double ?? single)}"`)
    .replace(/(\scontent\s*=\s*["']\d+;\s*url=)([^"']*)/gi, (_, before, address) => before + local(address))
}

/** A cookie of the real host lives below its path here, and on plain http. */
function localCookie(cookie: string, place: Place): string {
  const [pair = '', ...attributes] = cookie.split(/;\s*/)
  const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
  const kept = attributes.filter((one) => !/^(path=|domain=|secure$|samesite=none$)/i.test(one))
  return [pair, ...kept, `Path=/at/${place.host}${path}`].join('; ')
}

/** For the reply's headers; `set-cookie` may repeat. */
export function localHeaders(headers: Headers, place: Place): [string, string][] {
  return [...headers].map(([name, value]) => {
    if (name === 'location') return [name, localAddress(value, place)]
    return [name, name === 'set-cookie' ? localCookie(value, place) : value]
  })
}
