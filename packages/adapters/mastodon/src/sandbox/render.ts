// Entities as the API shows them: accounts, media, polls, statuses (app/serializers/rest).

import type { Call } from './reply.ts'
import type { Account, Medium, Poll, Server, Status } from './state.ts'
import { htmlOf, mentionsIn, type Person, tagsIn } from './text.ts'

type Seen = Pick<Call, 'host' | 'server' | 'profile' | 'stage'> & { readonly viewer?: string | undefined }

const personOf = (host: string, { username }: Account): Person => ({ username, url: `https://${host}/@${username}` })

const found = ({ host, server }: Pick<Seen, 'host' | 'server'>, name: string): Account | undefined => {
  const [username = '', domain] = name.toLowerCase().split('@')
  return domain === undefined || domain === host ? server.accounts.find((account) => account.username === username) : undefined
}

export const accountJson = ({ host, server }: Pick<Seen, 'host' | 'server'>, account: Account): object => {
  const own = server.statuses.filter(({ author }) => author === account.id)
  const last = own.at(-1)
  return {
    id: account.id,
    username: account.username,
    acct: account.username,
    display_name: account.displayName,
    locked: false,
    bot: false,
    group: false,
    discoverable: true,
    created_at: '2024-01-01T00:00:00.000Z',
    note: '',
    url: `https://${host}/@${account.username}`,
    uri: `https://${host}/users/${account.username}`,
    avatar: `https://${host}/avatars/original/missing.png`,
    avatar_static: `https://${host}/avatars/original/missing.png`,
    header: `https://${host}/headers/original/missing.png`,
    header_static: `https://${host}/headers/original/missing.png`,
    followers_count: 128,
    following_count: 64,
    statuses_count: own.length,
    last_status_at: last ? new Date(last.at).toISOString().slice(0, 10) : null,
    emojis: [],
    fields: [],
  }
}

export const mediumJson = ({ host, stage }: Pick<Seen, 'host' | 'stage'>, medium: Medium): object => {
  const file = `https://${host}/system/media_attachments/files/${medium.id}`
  return {
    id: medium.id,
    type: medium.kind,
    url: medium.readyAt > stage.now() ? null : `${file}/original`,
    preview_url: medium.kind === 'audio' ? null : `${file}/small`,
    remote_url: null,
    preview_remote_url: null,
    text_url: null,
    meta: {},
    description: medium.description,
    blurhash: null,
  }
}

const pollJson = ({ stage, viewer }: Seen, poll: Poll, author: string): object => {
  const expired = poll.expiresAt <= stage.now()
  const votes = poll.hideTotals && !expired ? null : 0
  return {
    id: poll.id,
    expires_at: new Date(poll.expiresAt).toISOString(),
    expired,
    multiple: poll.multiple,
    votes_count: 0,
    voters_count: 0,
    options: poll.options.map((title) => ({ title, votes_count: votes })),
    emojis: [],
    // Authors count as having voted in their own polls.
    ...(viewer !== undefined && { voted: viewer === author, own_votes: [] }),
  }
}

// An invented audience that grows with a status's age, so that numbers move.
const numbersOf = ({ server, stage }: Seen, status: Status) => {
  const minutes = Math.max(0, Math.floor((stage.now() - status.at) / 60_000))
  return {
    replies_count: server.statuses.filter(({ replyTo }) => replyTo === status.id).length,
    reblogs_count: Math.min(Math.floor(minutes / 20), 400),
    favourites_count: Math.min(Math.floor(minutes / 7), 1_200),
    quotes_count: 0,
  }
}

const tagJson = (host: string, tag: string) => ({ name: tag.toLowerCase(), url: `https://${host}/tags/${encodeURIComponent(tag.toLowerCase())}` })

const linksOf = (seen: Seen, status: Status): object => ({
  mentions: mentionsIn(status.text).flatMap((name) => {
    const account = found(seen, name)
    return account ? [{ id: account.id, username: account.username, acct: account.username, url: personOf(seen.host, account).url }] : []
  }),
  tags: tagsIn(status.text).map((tag) => tagJson(seen.host, tag)),
})

export const mediaOf = (server: Server, status: Status): Medium[] => status.media.flatMap((id) => server.media.find((medium) => medium.id === id) ?? [])

/** `source`: the plain text instead of the HTML, as deletion answers it. */
export const statusJson = (seen: Seen, status: Status, source = false): object => {
  const { host, server, profile, viewer } = seen
  const author = server.accounts.find(({ id }) => id === status.author)
  const app = server.apps.find(({ id }) => id === status.app)
  const parent = server.statuses.find(({ id }) => id === status.replyTo)
  const find = (name: string) => {
    const account = found(seen, name)
    return account && personOf(host, account)
  }
  return {
    id: status.id,
    created_at: new Date(status.at).toISOString(),
    in_reply_to_id: parent?.id ?? null,
    in_reply_to_account_id: parent?.author ?? null,
    sensitive: status.sensitive,
    spoiler_text: status.spoiler,
    visibility: status.visibility,
    language: status.language,
    uri: `https://${host}/users/${author?.username}/statuses/${status.id}`,
    url: `https://${host}/@${author?.username}/${status.id}`,
    ...numbersOf(seen, status),
    edited_at: status.editedAt === undefined ? null : new Date(status.editedAt).toISOString(),
    ...(viewer !== undefined && { favourited: false, reblogged: false, muted: false, bookmarked: false, filtered: [] }),
    ...(viewer === status.author && { pinned: false }),
    ...(source ? { text: status.text } : { content: htmlOf(status.text, host, profile.rel, find) }),
    reblog: null,
    application: app ? { name: app.name, website: app.website } : null,
    account: author ? accountJson(seen, author) : null,
    media_attachments: mediaOf(server, status).map((medium) => mediumJson(seen, medium)),
    ...linksOf(seen, status),
    emojis: [],
    card: null,
    poll: status.poll ? pollJson(seen, status.poll, status.author) : null,
  }
}

/** Private and direct posts: their author, and who is mentioned. Nobody follows anybody here. */
export const canSee = (seen: Pick<Seen, 'host' | 'server'>, status: Status, viewer: string | undefined): boolean =>
  status.visibility === 'public' ||
  status.visibility === 'unlisted' ||
  (viewer !== undefined && (viewer === status.author || mentionsIn(status.text).some((name) => found(seen, name)?.id === viewer)))
