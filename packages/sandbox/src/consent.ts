// Walks through an emulator's consent page the way a person does: opens it, chooses, presses the button, is sent back.

import type { Fetch } from '@syndikit/core'

/** What a person does on a consent page. */
export interface Choice {
  /** Id or name of one of the platform's accounts. Default: the one the page has chosen. */
  readonly account?: string
  /** Default `approve`. */
  readonly decision?: 'approve' | 'deny'
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const unescaped = (text: string): string => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? '')

const attribute = (tag: string, name: string): string | undefined => {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return value === undefined ? undefined : unescaped(value)
}

/** What the page's form would send if somebody just pressed the button. */
const fieldsOf = (page: string): URLSearchParams => {
  const fields = new URLSearchParams()
  for (const [tag] of page.matchAll(/<input\b[^>]*>/g)) {
    const name = attribute(tag, 'name')
    const offered = attribute(tag, 'type') !== 'radio' || /\bchecked\b/.test(tag)
    if (name !== undefined && offered) fields.set(name, attribute(tag, 'value') ?? '')
  }
  return fields
}

/**
 * Gives (or refuses) consent at an authorization URL of an emulated platform, and answers the callback URL that the browser is sent to.
 * @throws Error that holds the page's own words where it shows an error instead of a form.
 */
export const consent = async (fetch: Fetch, authorizeUrl: string, { account, decision = 'approve' }: Choice = {}): Promise<string> => {
  const shown = await fetch(new Request(authorizeUrl, { redirect: 'manual' }))
  const back = shown.headers.get('location')
  if (back) return back
  const page = await shown.text()
  if (!shown.ok)
    throw new Error(
      `The consent page answered ${shown.status}: ${page
        .replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim()
        .slice(0, 300)}`,
    )
  const fields = fieldsOf(page)
  if (account !== undefined) fields.set('account', account)
  fields.set('decision', decision)
  const answered = await fetch(new Request(authorizeUrl, { method: 'POST', body: fields, redirect: 'manual' }))
  const location = answered.headers.get('location')
  if (!location) throw new Error(`The consent page answered ${answered.status} and sent nobody back.`)
  return location
}
