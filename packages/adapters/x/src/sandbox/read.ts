// Reading the emulated X: who am I, posts by id, an account's posts (platforms-major 1.1, 1.7, 1.8).

import { kindOf, mediaKey } from './media.ts'
import { type Call, invalid, json, notFound, Refused } from './reply.ts'
import { isCurrent, livePost, type Post, type State, type XStage } from './state.ts'
import { weightOf } from './text.ts'

/** 2.167 of the specification names things after posts, the pages beside it after tweets: the parameter used decides the names in the answer. */
interface Naming {
  readonly post: 'post' | 'tweet'
  readonly reposts: 'repost_count' | 'retweet_count'
}
const asPosts: Naming = { post: 'post', reposts: 'repost_count' }
const asTweets: Naming = { post: 'tweet', reposts: 'retweet_count' }

const fieldsKnown = (post: string) =>
  new Set(
    `id text author_id attachments conversation_id created_at entities in_reply_to_user_id public_metrics non_public_metrics organic_metrics promoted_metrics lang source
reply_settings possibly_sensitive context_annotations edit_controls withheld geo community_id card_uri article display_text_range media_metadata scopes
edit_history_${post}_ids referenced_${post}s note_${post}`.split(/\s+/),
  )

const listed = (url: URL, name: string): string[] => (url.searchParams.get(name) ?? '').split(',').filter(Boolean)

const refuse = (parameter: string, value: string, message: string): never => {
  throw new Refused(invalid({ parameters: { [parameter]: [value] }, message }))
}

const asked = (url: URL): { naming: Naming; fields: Set<string> } => {
  const naming = url.searchParams.has('post.fields') ? asPosts : asTweets
  const name = `${naming.post}.fields`
  const known = fieldsKnown(naming.post)
  const fields = listed(url, name)
  const unknown = fields.find((field) => !known.has(field))
  if (unknown !== undefined) refuse(name, unknown, `The \`${name}\` query parameter value [${unknown}] is not one of [${[...known].join(',')}]`)
  return { naming, fields: new Set(fields) }
}

// An invented audience that grows with a post's age, so that numbers move.
const metricsOf = ({ state, now }: XStage, post: Post, { reposts }: Naming) => {
  const minutes = Math.max(0, Math.floor((now() - post.at) / 60_000))
  const views = Math.min(minutes * 7, 100_000)
  return {
    [reposts]: Math.floor(views / 150),
    reply_count: state.posts.filter((other) => isCurrent(state, other) && other.replyTo === post.id).length,
    like_count: Math.floor(views / 40),
    quote_count: 0,
    bookmark_count: Math.floor(views / 400),
    impression_count: views,
  }
}

const privateMetricsOf = (stage: XStage, post: Post) => {
  const { impression_count } = metricsOf(stage, post, asPosts)
  const views = Number(impression_count)
  return { impression_count: views, url_link_clicks: Math.floor(views / 90), user_profile_clicks: Math.floor(views / 200), engagements: Math.floor(views / 30) }
}

const rootOf = (state: State, post: Post): string => {
  const seen = new Set<string>()
  let at = post
  for (;;) {
    const above = at.replyTo === undefined || seen.has(at.id) ? undefined : state.posts.find(({ id }) => id === at.replyTo)
    if (!above) return at.history[0] ?? at.id
    seen.add(at.id)
    at = above
  }
}

const urlEntities = ({ links }: Post) =>
  links.map(({ start, end, short, expanded, display, mediaKey: key }) => ({
    start,
    end,
    url: short,
    expanded_url: expanded,
    display_url: display,
    ...(key !== undefined && { media_key: key }),
  }))

const extras = (call: Call, post: Post, naming: Naming): Record<string, unknown> => {
  const { state } = call.stage
  const media = post.media.flatMap((id) => state.media[id] ?? [])
  const parent = state.posts.find(({ id }) => id === post.replyTo)
  return {
    author_id: post.author,
    created_at: new Date(post.at).toISOString(),
    conversation_id: rootOf(state, post),
    in_reply_to_user_id: parent?.author,
    attachments: media.length > 0 ? { media_keys: media.map(mediaKey), media_ids: undefined } : undefined,
    entities: post.links.length > 0 ? { urls: urlEntities(post) } : undefined,
    public_metrics: metricsOf(call.stage, post, naming),
    // Only the author sees these.
    non_public_metrics: post.author === call.account.id ? privateMetricsOf(call.stage, post) : undefined,
    [`referenced_${naming.post}s`]: post.replyTo === undefined ? undefined : [{ type: 'replied_to', id: post.replyTo }],
    [`note_${naming.post}`]: isLong(post) ? { text: post.text } : undefined,
    reply_settings: 'everyone',
  }
}

const isLong = (post: Post): boolean => weightOf(post.typed) > 280

// Unverified where exactly X cuts a long post that is asked for without its note.
const shortText = (post: Post): string => (isLong(post) ? `${[...post.text].slice(0, 276).join('')}…` : post.text)

const rendered = (call: Call, post: Post, { naming, fields }: ReturnType<typeof asked>): object => ({
  id: post.id,
  text: shortText(post),
  [`edit_history_${naming.post}_ids`]: post.history,
  ...Object.fromEntries(Object.entries(extras(call, post, naming)).filter(([key]) => fields.has(key))),
})

const includesOf = ({ url, stage }: Call, posts: readonly Post[]): object => {
  if (!listed(url, 'expansions').includes('attachments.media_keys')) return {}
  const types = { photo: 'photo', gif: 'animated_gif', video: 'video', subtitles: 'video' } as const
  const wanted = new Set(['media_key', 'type', ...listed(url, 'media.fields')])
  const media = posts
    .flatMap((post) => post.media.flatMap((id) => stage.state.media[id] ?? []))
    .map((medium) => ({ media_key: mediaKey(medium), type: types[kindOf(medium)], ...(medium.alt !== undefined && { alt_text: medium.alt }) }))
    .map((medium) => Object.fromEntries(Object.entries(medium).filter(([key]) => wanted.has(key))))
  return media.length > 0 ? { includes: { media } } : {}
}

export const whoAmI = ({ account, url }: Call): Response => {
  const all: Record<string, unknown> = {
    subscription_type: account.subscription,
    verified: account.subscription === 'Premium',
    verified_type: account.subscription === 'Premium' ? 'blue' : 'none',
    profile_image_url: 'https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png',
    protected: false,
  }
  const fields = new Set(listed(url, 'user.fields'))
  const more = Object.fromEntries(Object.entries(all).filter(([key]) => fields.has(key)))
  return json({ data: { id: account.id, name: account.name, username: account.username, ...more } })
}

export const readPosts = (call: Call): Response => {
  const want = asked(call.url)
  const ids = listed(call.url, 'ids')
  const bad = ids.find((id) => !/^[0-9]{1,19}$/.test(id))
  if (bad !== undefined) refuse('ids', bad, `The \`ids\` query parameter value [${bad}] is not valid`)
  if (ids.length < 1 || ids.length > 100)
    refuse('ids', ids.join(','), `The number of values in the \`ids\` query parameter list [${ids.length}] is not between 1 and 100`)
  const found = ids.flatMap((id) => livePost(call.stage.state, id) ?? [])
  const errors = ids.filter((id) => !livePost(call.stage.state, id)).map((id) => notFound('tweet', 'ids', id))
  return json({
    ...(found.length > 0 && { data: found.map((post) => rendered(call, post, want)) }),
    ...includesOf(call, found),
    ...(errors.length > 0 && { errors }),
  })
}

export const readPost = (call: Call): Response => {
  const want = asked(call.url)
  const id = call.path[0] ?? ''
  const post = livePost(call.stage.state, id)
  // 200 with `errors` alone: observed for years, though the manual speaks of 404.
  return json(post ? { data: rendered(call, post, want), ...includesOf(call, [post]) } : { errors: [notFound('tweet', 'id', id)] })
}

const idParam = (url: URL, name: string): bigint | undefined => {
  const value = url.searchParams.get(name)
  if (value === null) return undefined
  if (!/^[0-9]{1,19}$/.test(value)) return refuse(name, value, `The \`${name}\` query parameter value [${value}] is not valid`)
  return BigInt(value)
}

const timeParam = (url: URL, name: string): number | undefined => {
  const value = url.searchParams.get(name)
  if (value === null) return undefined
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? refuse(name, value, `The \`${name}\` query parameter value [${value}] is not a valid RFC3339 timestamp`) : at
}

const matching = ({ stage, url }: Call, author: string): Post[] => {
  const [since, until, token] = [idParam(url, 'since_id'), idParam(url, 'until_id'), idParam(url, 'pagination_token')]
  const [from, to] = [timeParam(url, 'start_time'), timeParam(url, 'end_time')]
  const exclude = listed(url, 'exclude')
  const odd = exclude.find((value) => value !== 'replies' && value !== 'retweets')
  if (odd !== undefined) refuse('exclude', odd, `The \`exclude\` query parameter value [${odd}] is not one of [replies,retweets]`)
  return stage.state.posts
    .filter((post) => post.author === author && isCurrent(stage.state, post))
    .filter((post) => (since === undefined || BigInt(post.id) > since) && (until === undefined || BigInt(post.id) < until))
    .filter((post) => token === undefined || BigInt(post.id) < token)
    .filter((post) => (from === undefined || post.at >= from) && (to === undefined || post.at < to))
    .filter((post) => !(exclude.includes('replies') && post.replyTo !== undefined))
    .toReversed()
}

export const readTimeline = (call: Call): Response => {
  const { url, stage, path } = call
  const want = asked(url)
  const size = Number(url.searchParams.get('max_results') ?? 10)
  if (!Number.isInteger(size) || size < 5 || size > 100)
    refuse(
      'max_results',
      String(url.searchParams.get('max_results')),
      `The \`max_results\` query parameter value [${url.searchParams.get('max_results')}] is not between 5 and 100`,
    )
  const user = stage.state.accounts.find(({ id }) => id === path[0])
  if (!user) return json({ errors: [notFound('user', 'id', path[0] ?? '')] })
  const all = matching(call, user.id)
  const posts = all.slice(0, size)
  const [newest, oldest] = [posts[0], posts.at(-1)]
  if (!newest || !oldest) return json({ meta: { result_count: 0 } })
  return json({
    data: posts.map((post) => rendered(call, post, want)),
    ...includesOf(call, posts),
    meta: { result_count: posts.length, newest_id: newest.id, oldest_id: oldest.id, ...(all.length > size && { next_token: oldest.id }) },
  })
}
