// What is stored of a delivery, held against what the platform shows.

import type { Delivery, Placement, State } from '@syndikit/core'
import { type Body, type Result, readBody, readResult } from '../../core/src/engine/body.ts'
import { breach } from './invariants.ts'
import type { ShownPost } from './platform.ts'
import type { Scene } from './scene.ts'

/** As an adapter names a delivery to its platform. */
export const keyOf = (id: string): string => id.replaceAll('-', '')

export interface Told {
  readonly row: Delivery
  readonly body: Body
  readonly result: Result | undefined
  /** Texts of its parts, as the host wrote them. */
  readonly texts: readonly string[]
  /** By part: what the platform made of it. */
  readonly made: readonly (readonly ShownPost[])[]
  /** How often the change was made that it asks for. */
  readonly edits: number
}

const textsOf = (body: Body, { platform, connectionId }: Delivery): string[] => {
  const input = (body.contents[platform] ?? body.placed?.[connectionId]?.content)?.input as { text: string; thread?: { text: string }[] }
  return [input.text, ...(input.thread ?? []).map(({ text }) => text)]
}

export const toldOf = async ({ world }: Scene, { tenant, id }: Pick<Delivery, 'tenant' | 'id'>): Promise<Told | undefined> => {
  const { storage, platform } = world
  const row = await storage.deliveries.get(tenant, id)
  const publication = row && (await storage.publications.get(tenant, row.publicationId))
  if (!row || !publication) return undefined
  const body = readBody(publication.body)
  const texts = textsOf(body, row)
  const key = keyOf(id)
  return {
    row,
    body,
    result: readResult(row.result),
    texts,
    made: texts.map((_, i) => platform.posts.filter((post) => post.key === `${key}:${i}`)),
    edits: platform.edits.filter((edit) => edit.key === `${key}:edit`).length,
  }
}

/** Those whose posts nobody could tell apart: the same words on the same account. */
const twins = async (scene: Scene, told: Told): Promise<number> => {
  let count = 0
  for (const row of scene.seeing.seen.values()) {
    if (row.action !== 'publish' || row.connectionId !== told.row.connectionId) continue
    if ((await toldOf(scene, row))?.texts[0] === told.texts[0]) count += 1
  }
  return count
}

interface Verdict {
  readonly as: 'published' | 'failed' | 'scheduled'
  readonly placement?: Placement
}

/** What a human says who has looked at the platform, and who waits while something may still arrive. Undefined: nothing that would be true. */
export const humanVerdict = async (scene: Scene, row: Delivery): Promise<Verdict | undefined> => {
  const { departures, chance } = scene.world
  const told = await toldOf(scene, row)
  if (!told || departures.some(({ call, underway }) => underway && call.key.startsWith(keyOf(row.id)))) return undefined
  const absent = (): Verdict => ({ as: chance.next() < 0.5 ? 'failed' : 'scheduled' })
  if (row.action === 'update') return told.edits > 0 ? { as: 'published' } : absent()
  if (row.action !== 'publish' || (await twins(scene, told)) > 1) return undefined
  const there = told.made.filter((posts) => posts.length > 0).length
  const id = told.made[0]?.[0]?.id
  if (id === undefined) return absent()
  if (there === told.texts.length) return { as: 'published', placement: { id } }
  return there === (told.result?.parts.length ?? 0) ? { as: 'scheduled' } : undefined
}

// ---- at the end of a run, when nothing is under way any more

const notThere: readonly State[] = ['failed', 'missed', 'canceled']

const ofParts = ({ result, made }: Told): string[] => {
  const parts = result?.parts ?? []
  return made.flatMap((posts, i) => {
    if (i >= parts.length) return posts.length > 0 ? [`part ${i} is on the platform, and is not told of`] : []
    return parts[i]?.id === posts[0]?.id ? [] : [`part ${i} is told to be ${parts[i]?.id}, and is ${posts[0]?.id ?? 'not there'}`]
  })
}

const ofPublish = (told: Told, said: string | undefined, excused: boolean): string[] => {
  const { row, result, made, texts } = told
  const wrong = excused ? [] : made.flatMap((posts, i) => (posts.length > 1 ? [breach('I1', `part ${i} is there ${posts.length} times`)] : []))
  const there = made.flat().length
  if (notThere.includes(row.state) && there > 0) wrong.push(breach('I3', `it is ${row.state} and ${there} posts are there`))
  if (row.state === 'published' && made.some((posts) => posts.length === 0)) wrong.push(breach('I2', 'it is published and not there'))
  if (row.state === 'published' && said !== 'published' && !excused) {
    wrong.push(...ofParts(told).map((line) => breach('I2', line)))
    if (result?.placement?.id !== made[0]?.[0]?.id) wrong.push(breach('I2', `its placement is ${result?.placement?.id}, and its post is ${made[0]?.[0]?.id}`))
    if (made.some((posts, i) => posts[0]?.text !== texts[i] && !posts[0]?.text.startsWith('new ')))
      wrong.push(breach('I2', 'what is there says something else'))
  }
  if (row.state === 'needs_action' && !excused) wrong.push(...ofParts(told).map((line) => breach('I3', line)))
  return wrong
}

const ofUpdate = ({ row, edits }: Told): string[] => {
  if (row.state === 'published' && edits === 0) return [breach('I2', 'the update is published and was not made')]
  return notThere.includes(row.state) && edits > 0 ? [breach('I3', `the update is ${row.state} and was made`)] : []
}

const ofUnpublish = ({ row, body }: Told, { world }: Scene): string[] => {
  const placed = body.placed?.[row.connectionId]
  const ids = placed?.parts.length ? placed.parts.map(({ id }) => id) : [placed?.placement.id]
  const left = world.platform.posts.filter((post) => ids.includes(post.id) && !post.removed)
  return row.state === 'published' && left.length > 0 ? [breach('I2', `it is removed, and ${left.length} posts are there`)] : []
}

/** What nothing could have told apart is counted together. */
const ofTwins = (all: readonly Told[], { world }: Scene): string[] => {
  const posts = all.reduce((sum, { made }) => sum + (made[0]?.length ?? 0), 0)
  const published = all.filter(({ row }) => row.state === 'published').length
  const perhaps = all.filter(({ row }) => row.state === 'uncertain' || row.state === 'needs_action').length
  if (posts < published) return [breach('I2', `of ${all.length} with the same words ${published} are published, and ${posts} posts are there`)]
  const free = all.some(({ row }) => world.excused.has(row.id))
  return posts > published + perhaps && !free
    ? [breach('I1', `of ${all.length} with the same words ${published} are published, and ${posts} posts are there`)]
    : []
}

export const grouped = <T>(all: readonly T[], by: (one: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>()
  for (const one of all) groups.set(by(one), [...(groups.get(by(one)) ?? []), one])
  return groups
}

/** I1, I2, I3 of all deliveries. */
export const countsAgree = (all: readonly Told[], scene: Scene): string[] => {
  const groups = grouped(
    all.filter(({ row }) => row.action === 'publish'),
    ({ row, texts }) => `${row.connectionId}|${texts[0]}`,
  )
  const published = [...groups.values()].flatMap((group) => {
    const [only] = group
    if (group.length > 1 || !only) return ofTwins(group, scene)
    return ofPublish(only, scene.host.said.get(only.row.id), scene.world.excused.has(only.row.id)).map((line) => `${line} (${only.row.id})`)
  })
  const changed = all.flatMap((told) => {
    const lines = told.row.action === 'update' ? ofUpdate(told) : told.row.action === 'unpublish' ? ofUnpublish(told, scene) : []
    return lines.map((line) => `${line} (${told.row.id})`)
  })
  return [...published, ...changed]
}
