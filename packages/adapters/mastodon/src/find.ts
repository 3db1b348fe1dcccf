// After the hour in which Mastodon knows its keys: is a status of ours among the account's newest ones?

import type { Found, Http, Placement, Trace } from '@syndikit/core'
import { Parser } from 'htmlparser2'
import { z } from 'zod'

/** What is read of a status. */
export const status = z.object({
  id: z.string(),
  url: z.string().nullish(),
  created_at: z.string(),
  content: z.string(),
  spoiler_text: z.string().nullish(),
  in_reply_to_id: z.string().nullish(),
  application: z.object({ name: z.string() }).nullish(),
  media_attachments: z.array(z.object({ id: z.string() })).catch([]),
})
export type Status = z.output<typeof status>

/** What was sent, as far as it shows in a status. */
export interface Sent {
  readonly status: string
  readonly media_ids: readonly string[]
  readonly spoiler_text?: string | undefined
  readonly in_reply_to_id?: string | undefined
}

/** The text of a rendered status: links and tags are elements whose text is whole, lines are `br` and `p`. */
export const plainText = (html: string): string => {
  let text = ''
  const parser = new Parser({
    ontext: (piece) => {
      text += piece
    },
    onopentag: (name) => {
      if (name === 'br') text += '\n'
    },
    onclosetag: (name) => {
      if (name === 'p') text += '\n\n'
    },
  })
  parser.end(html)
  return text
}

/** Mastodon trims, and shows a mention without its server and as the person writes the name. */
const comparable = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/(@[\p{L}\p{N}_]+(?:[.-]+[\p{L}\p{N}_]+)*)(?:@[\p{L}\p{N}.:-]+[\p{L}\p{N}])?/gu, (_, name: string) => name.toLowerCase())
    .replace(/\s+/g, ' ')
    .trim()

/** Relatives of Mastodon put a sign of their own behind a warning without a text (glitch-soc). */
const ownSign = 2

export const sameText = (html: string, sent: string): boolean => {
  const [shown, wanted] = [comparable(plainText(html)), comparable(sent)]
  return wanted === '' ? shown.length <= ownSign : shown === wanted
}

/** Mastodon makes a warning without a text the text (post_status_service.rb). */
const movedUp = (there: Status, sent: Sent): boolean => sent.status.trim() === '' && sent.spoiler_text !== undefined && !there.spoiler_text

const sameWarning = (there: Status, sent: Sent): boolean => (there.spoiler_text ?? '') === (sent.spoiler_text ?? '')

const sameWords = (there: Status, sent: Sent): boolean =>
  movedUp(there, sent) ? sameText(there.content, sent.spoiler_text ?? '') : sameWarning(there, sent) && sameText(there.content, sent.status)

const sameShape = (there: Status, sent: Sent, application: string | undefined): boolean =>
  (application === undefined || (there.application?.name ?? application) === application) &&
  (there.in_reply_to_id ?? undefined) === sent.in_reply_to_id &&
  there.media_attachments.length === sent.media_ids.length &&
  (sameWarning(there, sent) || movedUp(there, sent))

const pageSize = 40
const mostPages = 5
const earlierMs = 120_000

/** The account's statuses back to shortly before the send, newest first; not `whole` where they go on beyond what we read. */
const sinceSend = async (accountId: string, sentAt: Date, http: Http): Promise<{ statuses: Status[]; whole: boolean }> => {
  const statuses: Status[] = []
  for (let page = 0; page < mostPages; page++) {
    const query = { limit: pageSize, exclude_reblogs: true, max_id: statuses.at(-1)?.id }
    const more = await http.get(`v1/accounts/${accountId}/statuses`, { query, accept: z.array(status) })
    statuses.push(...more)
    const last = more.at(-1)
    // A short page is no end: servers have their own largest page, and drop what was deleted meanwhile.
    if (!last || Date.parse(last.created_at) < sentAt.getTime() - earlierMs) return { statuses, whole: true }
  }
  return { statuses, whole: false }
}

/**
 * Words, application (absent: any), answered status and number of files must be the same. One with the same words or the same shape alone may be ours, changed by the server or
 * by time: the app had another name when it registered, what it answers was deleted. That is `unknown`, not `absent`.
 */
export const findStatus = async <T extends Placement>(
  sent: Sent,
  trace: Trace,
  at: { accountId: string; application: string | undefined; http: Http; placed: (status: Status) => T },
): Promise<Found<T>> => {
  const { statuses, whole } = await sinceSend(at.accountId, trace.sentAt, at.http)
  const candidate = (there: Status) => ({ ...at.placed(there), at: new Date(there.created_at) })
  const inShape = (there: Status) => sameShape(there, sent, at.application)
  const found = await trace.pick(statuses.filter((there) => inShape(there) && sameWords(there, sent)).map(candidate))
  if (found !== 'absent') return found
  const perhaps = statuses.filter((there) => inShape(there) || sameWords(there, sent))
  return whole && (await trace.pick(perhaps.map(candidate))) === 'absent' ? 'absent' : 'unknown'
}
