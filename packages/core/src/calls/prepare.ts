// From a draft to what can be stored: connections found, variants applied, files read, everything checked. Finds every problem, writes nothing.

import { z } from 'zod'
import { checkContent } from '../content/check.ts'
import { dangersIn } from '../content/shape.ts'
import type { Adapter } from '../contract/adapter.ts'
import type { Account } from '../contract/auth.ts'
import type { Connection } from '../contract/connection-store.ts'
import { PublishError } from '../contract/error.ts'
import type { Json } from '../contract/json.ts'
import type { Support } from '../contract/kind.ts'
import type { Problem } from '../contract/limits.ts'
import type { Media, MediaFacts, MediaInput } from '../contract/media.ts'
import type { StoredContent } from '../engine/body.ts'
import type { Deps } from '../engine/deps.ts'
import { draftSchema, type ReadDraft } from './draft.ts'
import { canonical } from './ids.ts'

export interface Prepared {
  readonly problems: readonly Problem[]
  /** Absent when the frame of the draft is wrong. */
  readonly draft?: ReadDraft
  readonly connections: readonly Connection[]
  readonly contents: Readonly<Record<string, StoredContent>>
}

const escaped = (part: PropertyKey): string => String(part).replaceAll('~', '~0').replaceAll('/', '~1')
const pointer = (...path: readonly PropertyKey[]): string => path.map((part) => `/${escaped(part)}`).join('')

/** Problems of a schema: the value itself is never repeated, it may be long or secret. */
const shapeProblems = (error: z.ZodError, at: (path: readonly PropertyKey[]) => string, platform?: string): Problem[] =>
  error.issues.map((issue) => ({
    code: issue.code === 'unrecognized_keys' ? 'unknown-member' : 'invalid-value',
    ...(platform !== undefined && { platform }),
    pointer: at(issue.path),
    fix: issue.code === 'unrecognized_keys' ? `Remove or rename ${issue.keys.map((key) => `\`${key}\``).join(', ')}.` : `${issue.message}.`,
  }))

const connectionsOf = async (deps: Deps, draft: ReadDraft): Promise<{ problems: Problem[]; connections: Connection[] }> => {
  const problems: Problem[] = []
  const connections: Connection[] = []
  const seen = new Set<string>()
  for (const [i, id] of draft.to.entries()) {
    const again = seen.has(id)
    seen.add(id)
    const connection = await deps.storage.connections.get(draft.tenant, id)
    if (!connection)
      problems.push({
        code: 'no-such-connection',
        pointer: pointer('to', i),
        actual: id.slice(0, 64),
        fix: 'Name a connection of this tenant: see `connections.list`.',
      })
    else if (connection.state !== 'active')
      problems.push({
        code: 'connection-not-kept',
        platform: connection.platform,
        pointer: pointer('to', i),
        actual: id,
        fix: 'It was offered only: keep it with `connections.keep` first.',
      })
    else if (again)
      problems.push({ code: 'connection-twice', platform: connection.platform, pointer: pointer('to', i), actual: id, fix: 'Name each connection once.' })
    else connections.push(connection)
  }
  return { problems, connections }
}

const strayPlatforms = (draft: ReadDraft, adapters: Deps['adapters']): Problem[] =>
  (['variants', 'times'] as const).flatMap((member) =>
    Object.keys(draft[member] ?? {})
      .filter((platform) => !adapters.has(platform))
      .map((platform) => ({
        code: 'unknown-platform',
        pointer: pointer(member, platform),
        actual: platform,
        fix: `Use one of ${[...adapters.keys()].join(', ')}.`,
      })),
  )

interface Merged {
  readonly adapter: Adapter
  readonly support: Support
  readonly input: object
  readonly options: unknown
  /** Where a member of the merged content was written. */
  at(below: string): string
}

const merged = (adapter: Adapter, draft: ReadDraft): Merged | { problem: Problem } => {
  const kind = draft.content.kind ?? 'post'
  const support = adapter.content.find((candidate) => candidate.kind === kind)
  if (!support)
    return {
      problem: {
        code: 'kind-unsupported',
        platform: adapter.id,
        pointer: '/content/kind',
        actual: kind,
        fix: `${adapter.name} takes ${adapter.content.map((one) => `\`${one.kind}\``).join(', ')}.`,
      },
    }
  const { options, ...replaced } = draft.variants?.[adapter.id] ?? {}
  const own = new Set(Object.keys(replaced).filter((name) => replaced[name] !== undefined))
  return {
    adapter,
    support,
    input: { ...draft.content, ...Object.fromEntries([...own].map((name) => [name, replaced[name]])) },
    options,
    at: (below) => (own.has(below.split('/')[1] ?? '') ? `${pointer('variants', adapter.id)}${below}` : `/content${below}`),
  }
}

/** Reads each file once, however many platforms it goes to. */
const prober = (deps: Deps) => {
  const known = new Map<string, Promise<MediaFacts>>()
  return (input: MediaInput): Promise<MediaFacts> => {
    const key = canonical(input)
    const facts = known.get(key) ?? deps.media.probe(input)
    known.set(key, facts)
    return facts
  }
}

/** A file that is only known, for checks: nothing reads its bytes there. */
export const unread = (facts: MediaFacts): Media => {
  const refuse = (): never => {
    throw new TypeError('A check reads no file.')
  }
  return { ...facts, chunks: refuse, stream: refuse }
}

/** Stands in for a file that cannot be read, so that everything else is checked all the same. What is said about it is not told. */
const standIn = (file: MediaFacts | undefined, { alt }: MediaInput): MediaFacts => {
  const { type, mime } = file ?? { type: 'image', mime: 'image/jpeg' }
  return { type, mime, bytes: 1, name: 'file', sha256: '', ...(alt !== undefined && { alt }) }
}

const filesOf = async (
  probe: ReturnType<typeof prober>,
  { support, adapter, at }: Merged,
  input: object,
): Promise<{ unreadable: Problem[]; files: MediaFacts[] }> => {
  const unreadable: Problem[] = []
  const named = support.of.media(input)
  const read: (MediaFacts | undefined)[] = []
  for (const { pointer: below, media } of named) {
    try {
      read.push(await probe(media))
    } catch (error) {
      if (!PublishError.is(error)) throw error
      read.push(undefined)
      unreadable.push({ code: 'media-unreadable', platform: adapter.id, pointer: at(below), fix: error.message })
    }
  }
  const sibling = read.find((file) => file !== undefined)
  return { unreadable, files: named.map(({ media }, i) => read[i] ?? standIn(sibling, media)) }
}

const accountOf = (connection: Connection): Account => JSON.parse(connection.data) as Account

const contentOf = async (
  probe: ReturnType<typeof prober>,
  one: Merged,
  connections: readonly Connection[],
): Promise<{ problems: Problem[]; content?: StoredContent }> => {
  const { adapter, support, at } = one
  const input = support.of.schema.safeParse(one.input)
  const options = support.spec.options ? support.spec.options.safeParse(one.options ?? {}) : z.undefined().safeParse(one.options)
  const shape = [
    ...(input.success ? [] : shapeProblems(input.error, (path) => at(pointer(...path)), adapter.id)),
    ...(options.success ? [] : shapeProblems(options.error, (path) => pointer('variants', adapter.id, 'options', ...path), adapter.id)),
  ]
  if (!input.success) return { problems: shape }
  const { unreadable, files } = await filesOf(probe, one, input.data)
  const content = { ...support.of.build(input.data, files.map(unread)), options: options.data }
  const own = options.success
  const found = connections.flatMap((connection) => checkContent({ support, content, account: accountOf(connection), platform: adapter.id, at, own }))
  const told = found.filter((problem) => !unreadable.some((file) => file.pointer === problem.pointer))
  const problems = [...shape, ...unreadable, ...new Map(told.map((problem) => [canonical(problem), problem])).values()]
  if (shape.length > 0 || unreadable.length > 0) return { problems }
  return { problems, content: { kind: support.kind, input: input.data as Json, options: (options.data ?? null) as Json, files } }
}

/** With what is wrong left out, where it is nothing that the rest rests on: then the rest is checked as well. */
const readDraft = (given: unknown): { readonly draft?: ReadDraft; readonly problems: Problem[] } => {
  const read = draftSchema.safeParse(given)
  if (read.success) return { draft: read.data, problems: [] }
  const problems = shapeProblems(read.error, (path) => pointer(...path))
  // Without its key: it speaks only for a draft that can be read.
  const wrong = new Set([
    'idempotencyKey',
    ...read.error.issues.flatMap(({ path, ...issue }) => ('keys' in issue && path.length === 0 ? issue.keys : [String(path[0])])),
  ])
  if (typeof given !== 'object' || given === null) return { problems }
  const rest = draftSchema.safeParse(Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.has(name))))
  return { problems, ...(rest.success && { draft: rest.data }) }
}

export const prepare = async (deps: Deps, given: unknown): Promise<Prepared> => {
  const nothing = { connections: [], contents: {} }
  const dangers = dangersIn(given)
  if (dangers.length > 0) return { problems: dangers, ...nothing }
  const { draft, problems: wrong } = readDraft(given)
  if (!draft) return { problems: wrong, ...nothing }
  const { problems: unknown, connections } = await connectionsOf(deps, draft)
  const problems = [...wrong, ...unknown, ...strayPlatforms(draft, deps.adapters)]
  const contents: Record<string, StoredContent> = {}
  const probe = prober(deps)
  for (const platform of new Set(connections.map((connection) => connection.platform))) {
    const adapter = deps.adapters.get(platform)
    if (!adapter) {
      problems.push({ code: 'unknown-platform', platform, pointer: '/to', fix: `No adapter of this process serves ${platform}: add it to \`adapters\`.` })
      continue
    }
    const one = merged(adapter, draft)
    if ('problem' in one) {
      problems.push(one.problem)
      continue
    }
    const result = await contentOf(
      probe,
      one,
      connections.filter((connection) => connection.platform === platform),
    )
    problems.push(...result.problems)
    if (result.content) contents[platform] = result.content
  }
  return { problems, draft, connections, contents }
}

/** Refuses with everything that is wrong, in one error. */
export const refuse = (problems: readonly Problem[]): never => {
  const errors = problems.filter(({ severity }) => severity !== 'warning')
  const lines = errors
    .slice(0, mostTold)
    .map(
      (problem) => `${problem.platform ? `${problem.platform}: ` : ''}${problem.code} at ${problem.pointer || 'the draft'}${measured(problem)}. ${problem.fix}`,
    )
  if (errors.length > mostTold) lines.push(`And ${errors.length - mostTold} more: see \`problems\`.`)
  throw new PublishError('invalid', `Nothing was scheduled. ${lines.join(' ')}`, { problems: errors, outcome: 'not-published' })
}

/** In the message, which ends up in logs; `problems` has all of them. */
const mostTold = 50

const measured = ({ actual, limit, unit }: Problem): string => {
  const figures = [
    ...(actual === undefined ? [] : [`${JSON.stringify(actual)}${unit ? ` ${unit}` : ''}`]),
    ...(limit === undefined ? [] : [`the limit is ${JSON.stringify(limit)}${actual === undefined && unit ? ` ${unit}` : ''}`]),
  ]
  return figures.length > 0 ? ` (${figures.join(', ')})` : ''
}
