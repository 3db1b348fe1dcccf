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

/** For each post the first post of its thread. A circle of answers is cut anywhere. */
function rootsOf(posts: readonly Shown[]): Map<string, string> {
  const byId = new Map(posts.map((post) => [post.id, post]))
  const roots = new Map<string, string>()
  for (const post of posts) {
    const way = new Set<string>()
    let at = post
    while (!roots.has(at.id)) {
      way.add(at.id)
      const above = at.replyTo === undefined ? undefined : byId.get(at.replyTo)
      if (!above || way.has(above.id)) break
      at = above
    }
    const root = roots.get(at.id) ?? at.id
    for (const id of way) roots.set(id, root)
  }
  return roots
}

/** Threads of one platform, the one with the newest post first; within a thread, oldest first. A post whose predecessor is gone begins a thread. */
export function threadsOf(posts: readonly Shown[]): Shown[][] {
  const roots = rootsOf(posts)
  const threads = new Map<string, Shown[]>()
  for (const post of posts.toSorted((a, b) => a.at - b.at)) {
    const root = roots.get(post.id) ?? post.id
    const thread = threads.get(root)
    if (thread) thread.push(post)
    else threads.set(root, [post])
  }
  const newest = (thread: readonly Shown[]) => thread.at(-1)?.at ?? 0
  return [...threads.values()].sort((a, b) => newest(b) - newest(a))
}
