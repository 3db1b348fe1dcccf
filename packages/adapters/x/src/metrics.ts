// How a post does: the counts that everybody sees.

import type { Metrics, Placed, Post, Reading } from '@syndikit/core'
import { z } from 'zod'

/** Two spellings of one count: of the specification, and of the pages beside it. */
const counts = z.object({
  impression_count: z.number(),
  like_count: z.number(),
  reply_count: z.number(),
  quote_count: z.number(),
  bookmark_count: z.number(),
  repost_count: z.number().optional(),
  retweet_count: z.number().optional(),
})
const measured = z.object({ data: z.array(z.object({ id: z.string(), public_metrics: counts })).default([]) })

const metricsOf = (of: z.output<typeof counts>): Metrics => ({
  views: of.impression_count,
  likes: of.like_count,
  comments: of.reply_count,
  shares: of.repost_count ?? of.retweet_count ?? 0,
  saves: of.bookmark_count,
  native: { quotes: of.quote_count },
})

/** A thread is measured by its first post. What is gone has no entry. */
export const readMetrics = async (placements: readonly Placed<Post>[], { http }: Reading): Promise<Map<string, Metrics>> => {
  const ids = placements.map(({ id }) => id).join()
  const { data } = await http.get('tweets', { query: { ids, 'tweet.fields': 'public_metrics' }, accept: measured })
  return new Map(data.map(({ id, public_metrics }) => [id, metricsOf(public_metrics)]))
}
