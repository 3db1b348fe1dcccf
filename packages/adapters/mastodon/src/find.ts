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

/** Mastodon trims, and shows a mention without its server. */
const comparable = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/(@[\p{L}\p{N}_]+(?:[.-]+[\p{L}\p{N}_]+)*)@[\p{L}\p{N}.:-]+[\p{L}\p{N}]/gu, '$1')
    .replace(/\s+/g, ' ')
    .trim()

/** Mastodon puts a sign of its own behind a warning without a text. */
const ownSign = 2

export const sameText = (html: string, sent: string): boolean => {
  const [shown, wanted] = [comparable(plainText(html)), comparable(sent)]
  return wanted === '' ? shown.length <= ownSign : shown === wanted
}

const alike = (there: Status, sent: Sent, application: string | undefined): boolean =>
  (application === undefined || (there.application?.name ?? application) === application) &&
  (there.in_reply_to_id ?? undefined) === sent.in_reply_to_id &&
  there.media_attachments.length === sent.media_ids.length &&
  (there.spoiler_text ?? '') === (sent.spoiler_text ?? '')

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
    if (!last || more.length < pageSize || Date.parse(last.created_at) < sentAt.getTime() - earlierMs) return { statuses, whole: true }
  }
  return { statuses, whole: false }
}

/**
 * Text, application (absent: any), answered status, warning and number of files must be the same. Where one of the same shape has another text, the server may have changed
 * ours: that is `unknown`, not `absent`.
 */
export const findStatus = async <T extends Placement>(
  sent: Sent,
  trace: Trace,
  at: { accountId: string; application: string | undefined; http: Http; placed: (status: Status) => T },
): Promise<Found<T>> => {
  const { statuses, whole } = await sinceSend(at.accountId, trace.sentAt, at.http)
  const candidate = (there: Status) => ({ ...at.placed(there), at: new Date(there.created_at) })
  const similar = statuses.filter((there) => alike(there, sent, at.application))
  const found = await trace.pick(similar.filter(({ content }) => sameText(content, sent.status)).map(candidate))
  if (found !== 'absent') return found
  return whole && (await trace.pick(similar.map(candidate))) === 'absent' ? 'absent' : 'unknown'
}
