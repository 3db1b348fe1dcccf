// Which posts are drawn together: a post and everything below it that answers it.

import type { Shown } from '../contract.ts'

export interface Filter {
  readonly platform?: string
  readonly account?: string
  /** Part of a text: a hashtag, a mention. */
  readonly q?: string
}

export const passes = (post: Shown, { platform, account, q }: Filter): boolean =>
  (platform === undefined || post.platform === platform) &&
  (account === undefined || post.account === account) &&
  (q === undefined || post.text.toLowerCase().includes(q.toLowerCase()))

/** Threads of one platform, the one with the newest post first; within a thread, oldest first. A post whose predecessor is gone begins a thread. */
export function threadsOf(posts: readonly Shown[]): Shown[][] {
  const byId = new Map(posts.map((post) => [post.id, post]))
  const rootOf = (post: Shown): string => {
    const seen = new Set<string>()
    let at = post
    for (let above = byId.get(at.replyTo ?? ''); above !== undefined && !seen.has(above.id); above = byId.get(at.replyTo ?? '')) {
      seen.add(at.id)
      at = above
    }
    return at.id
  }
  const threads = new Map<string, Shown[]>()
  for (const post of posts) {
    const root = rootOf(post)
    threads.set(root, [...(threads.get(root) ?? []), post])
  }
  const newest = (thread: readonly Shown[]) => Math.max(...thread.map(({ at }) => at))
  return [...threads.values()].map((thread) => thread.toSorted((a, b) => a.at - b.at)).sort((a, b) => newest(b) - newest(a))
}
