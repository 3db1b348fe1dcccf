// From a draft to what can be stored: connections found, variants applied, files read, everything checked. Finds every problem, writes nothing.

import { z } from 'zod'
import { checkContent } from '../content/check.ts'
import { forbiddenKeys } from '../content/shape.ts'
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
  for (const [i, id] of draft.to.entries()) {
    const connection = await deps.storage.connections.get(draft.tenant, id)
    if (!connection)
      problems.push({ code: 'no-such-connection', pointer: pointer('to', i), actual: id, fix: 'Name a connection of this tenant: see `connections.list`.' })
    else if (connection.state !== 'active')
      problems.push({
        code: 'connection-not-kept',
        platform: connection.platform,
        pointer: pointer('to', i),
        actual: id,
        fix: 'It was offered only: keep it with `connections.keep` first.',
      })
    else if (draft.to.indexOf(id) !== i)
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

const filesOf = async (
  probe: ReturnType<typeof prober>,
  { support, adapter, at }: Merged,
  input: object,
): Promise<{ problems: Problem[]; files: MediaFacts[] }> => {
  const problems: Problem[] = []
  const files: MediaFacts[] = []
  for (const { pointer: below, media } of support.of.media(input)) {
    try {
      files.push(await probe(media))
    } catch (error) {
      if (!PublishError.is(error)) throw error
      problems.push({ code: 'media-unreadable', platform: adapter.id, pointer: at(below), fix: error.message })
    }
  }
  return { problems, files }
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
  if (!input.success || !options.success) return { problems: shape }
  const { problems, files } = await filesOf(probe, one, input.data)
  if (problems.length > 0) return { problems }
  const content = { ...support.of.build(input.data, files.map(unread)), options: options.data }
  const found = connections.flatMap((connection) => checkContent({ support, content, account: accountOf(connection), platform: adapter.id, at }))
  const distinct = [...new Map(found.map((problem) => [canonical(problem), problem])).values()]
  return { problems: distinct, content: { kind: support.kind, input: input.data as Json, options: (options.data ?? null) as Json, files } }
}

export const prepare = async (deps: Deps, given: unknown): Promise<Prepared> => {
  const nothing = { connections: [], contents: {} }
  const forbidden = forbiddenKeys(given)
  if (forbidden.length > 0) return { problems: forbidden, ...nothing }
  const read = draftSchema.safeParse(given)
  if (!read.success) return { problems: shapeProblems(read.error, (path) => pointer(...path)), ...nothing }
  const draft = read.data
  const { problems: unknown, connections } = await connectionsOf(deps, draft)
  const problems = [...unknown, ...strayPlatforms(draft, deps.adapters)]
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
  const lines = errors.map(
    (problem) => `${problem.platform ? `${problem.platform}: ` : ''}${problem.code} at ${problem.pointer}${measured(problem)}. ${problem.fix}`,
  )
  throw new PublishError('invalid', `Nothing was scheduled. ${lines.join(' ')}`, { problems: errors, outcome: 'not-published' })
}

const measured = ({ actual, limit, unit }: Problem): string =>
  actual !== undefined && limit !== undefined ? ` (${JSON.stringify(actual)}${unit ? ` ${unit}` : ''}, the limit is ${JSON.stringify(limit)})` : ''
