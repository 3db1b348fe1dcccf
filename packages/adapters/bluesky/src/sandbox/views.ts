// What people and the AppView see of the repositories: posts with their numbers, profiles, and the truth for the feed page.

import type { Shown } from '@syndikit/sandbox'
import { findBlob } from './blobs.ts'
import { type Call, invalid, isFields, json, param } from './reply.ts'
import { type Account, accountOf, type BlueskyStage, type Entry, type Fields, type Json, postType, type State, uriOf } from './state.ts'

const fieldsOf = (value: Json | undefined): Fields => (isFields(value) ? value : {})
const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const parentOf = ({ value }: Entry): string | undefined => textOf(fieldsOf(fieldsOf(value.reply).parent).uri) || undefined

const posts = (state: State): Entry[] => state.entries.filter(({ collection }) => collection === postType)

// An invented audience that grows with a post's age, so that numbers move.
const metricsOf = ({ state, now }: BlueskyStage, entry: Entry) => {
  const minutes = Math.max(0, Math.floor((now() - entry.at) / 60_000))
  return {
    replyCount: posts(state).filter((other) => parentOf(other) === uriOf(entry)).length,
    repostCount: Math.min(Math.floor(minutes / 25), 700),
    likeCount: Math.min(Math.floor(minutes / 6), 2_500),
    quoteCount: 0,
    bookmarkCount: Math.min(Math.floor(minutes / 60), 250),
  }
}

const authorOf = ({ did, handle, displayName }: Account) => ({ did, handle, displayName, labels: [] })

export const getPosts = ({ stage, url }: Call): Response => {
  const uris = url.searchParams.getAll('uris')
  if (uris.length === 0) throw invalid('Missing required key "uris" at $')
  if (uris.length > 25) throw invalid(`array too big (maximum 25, got ${uris.length}) at $.uris`)
  const views = uris.flatMap((uri) => {
    const entry = posts(stage.state).find((post) => uriOf(post) === uri)
    const account = entry && accountOf(stage.state, entry.did)
    if (!entry || !account) return []
    const indexedAt = new Date(entry.at).toISOString()
    return [{ uri, cid: entry.cid, author: authorOf(account), record: entry.value, ...metricsOf(stage, entry), indexedAt, labels: [] }]
  })
  return json({ posts: views })
}

export const getProfile = ({ stage, url }: Call): Response => {
  const account = accountOf(stage.state, param(url, 'actor'))
  if (!account) throw invalid('Profile not found')
  return json({ ...authorOf(account), postsCount: posts(stage.state).filter(({ did }) => did === account.did).length, followersCount: 128, followsCount: 64 })
}

interface File {
  mime: string
  alt: string
  blob: string
}

const fileOf = (state: State, did: string, ref: Json | undefined, alt: Json | undefined): File[] => {
  const blob = findBlob(state, did, textOf(fieldsOf(fieldsOf(ref).ref).$link))
  return blob ? [{ mime: blob.mime, alt: textOf(alt), blob: blob.key }] : []
}

const mediaIn = (value: Fields): Fields => {
  const embed = fieldsOf(value.embed)
  return embed.$type === 'app.bsky.embed.recordWithMedia' ? fieldsOf(embed.media) : embed
}

const filesOf = (state: State, { did, value }: Entry): File[] => {
  const embed = mediaIn(value)
  if (embed.$type === 'app.bsky.embed.video') return fileOf(state, did, embed.video, embed.alt)
  const pictures = embed.$type === 'app.bsky.embed.images' ? embed.images : embed.$type === 'app.bsky.embed.gallery' ? embed.items : []
  return listOf(pictures)
    .map(fieldsOf)
    .flatMap(({ image, alt }) => fileOf(state, did, image, alt))
}

const cardOf = (state: State, { did, value }: Entry): Shown['card'] => {
  const embed = mediaIn(value)
  if (embed.$type !== 'app.bsky.embed.external') return undefined
  const { uri, title, description, thumb } = fieldsOf(embed.external)
  const [file] = fileOf(state, did, thumb, '')
  return { url: textOf(uri), title: textOf(title), description: textOf(description), ...(file && { blob: file.blob }) }
}

const shownPost = (state: State, entry: Entry): Shown => {
  const account = accountOf(state, entry.did)?.handle ?? entry.did
  const files = filesOf(state, entry)
  const card = cardOf(state, entry)
  const language = textOf(listOf(entry.value.langs)[0])
  const replyTo = parentOf(entry)
  const warning = listOf(fieldsOf(entry.value.labels).values).map((label) => textOf(fieldsOf(label).val))
  return {
    platform: 'bluesky',
    account,
    id: uriOf(entry),
    text: textOf(entry.value.text),
    media: files.length,
    at: entry.at,
    url: `https://bsky.app/profile/${account}/post/${entry.rkey}`,
    files,
    ...(language !== '' && { language }),
    ...(replyTo !== undefined && { replyTo }),
    ...(card && { card }),
    ...(warning.length > 0 && { warning: warning.join(', ') }),
  }
}

export const shown = (state: State): Shown[] => posts(state).map((entry) => shownPost(state, entry))
