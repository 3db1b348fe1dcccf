// The platform matrix, drawn from the adapters' own data and from what their conformance tests declare.
import { globSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Adapter, Auth, Limits, Recovery, Support } from '../../packages/core/src/index.ts'
import { rules } from '../../packages/testing/src/adapter/rules.ts'
import type { Declared } from './suites.ts'

type Row = readonly string[]

const table = (head: Row, rows: readonly Row[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')

const amount = (value: number): string => value.toLocaleString('en-US')
const minuteMs = 60_000
const span = (ms: number): string => (ms % minuteMs === 0 ? `${amount(ms / minuteMs)} min` : `${amount(ms / 1_000)} s`)
const yes = (value: unknown): string => (value ? 'yes' : 'no')

const wayOf = (auth: Auth): string => {
  if (auth.type !== 'oauth2') return `${auth.type} (${Object.keys(auth.fields.shape).join(', ')})`
  const more = [
    auth.pkce === false ? 'no PKCE' : 'PKCE',
    ...(typeof auth.client === 'function' ? ['on any server'] : []),
    auth.refresh === false ? 'no refresh' : `rotation ${typeof auth.rotation === 'object' ? 'with a grace' : (auth.rotation ?? 'strict')}`,
  ]
  return `OAuth 2 (${more.join(', ')})`
}

const limitsOf = ({ spec }: Support): Limits | undefined => (typeof spec.limits === 'function' ? spec.limits(undefined) : spec.limits)

const textOf = (limits: Limits | undefined): string =>
  Object.values(limits?.text ?? {})
    .flat()
    .map(({ max, count }) => `${amount(max)} ${typeof count === 'string' ? count : count.name}`)
    .join(', ') || 'none'

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const filesOf = ({ media }: Limits): string =>
  media
    ? Object.entries(media.types)
        .map(([type, { atMost = media.atMost }]) => plural(Math.min(atMost, media.atMost), type))
        .join(media.mix === 'one-type' ? ' or ' : ', ')
    : 'none'

const canRow = (adapter: Adapter, support: Support): Row => {
  const limits = limitsOf(support) as Limits
  const { spec } = support
  return [
    adapter.name,
    support.kind,
    adapter.auth.map(wayOf).join('; '),
    `${textOf(limits)}${typeof spec.limits === 'function' ? ' (an account may have others)' : ''}`,
    filesOf(limits),
    limits.parts === undefined || limits.parts === 1 ? 'no' : `${limits.parts} parts`,
    limits.poll ? `${limits.poll.options.join(' to ')} options` : 'no',
    ...[limits.reply !== false, spec.update, spec.unpublish, spec.refresh, spec.metrics].map(yes),
  ]
}

const recoveryOf = (recovery: Recovery): string => {
  const more = [
    ...(recovery.class === 'idempotent' ? [recovery.forMs === undefined ? 'for ever' : `for ${span(recovery.forMs)}`] : []),
    ...('settleMs' in recovery && recovery.settleMs !== undefined ? [`settles in ${span(recovery.settleMs)}`] : []),
  ]
  return more.length > 0 ? `${recovery.class}, ${more.join(', ')}` : recovery.class
}

/** A rule about something that the platform does not have finds nothing to try. */
const idle = { update: 'changes what it published', unpublish: 'removes everything it published', metrics: 'reads figures' } as const

const conformance = ({ suites }: Declared, adapter: Adapter): string => {
  const skipped = [...new Map(suites.flatMap(({ skip = {} }) => Object.entries(skip)))]
  const without = Object.keys(idle).filter((method) => !adapter.content.some(({ spec }) => method in spec))
  const samples = new Set(suites.flatMap((suite) => Object.keys(suite.samples))).size
  return [
    `${Object.keys(rules).length - skipped.length} rules × ${samples} samples${suites.length > 1 ? ` × ${suites.length} servers` : ''}`,
    skipped.length === 0 ? 'none skipped' : skipped.map(([rule, reason]) => `skipped: ${rule} (${reason})`).join('; '),
    ...(without.length > 0 ? [`nothing to try for ${without.join(', ')}`] : []),
  ].join('; ')
}

const comment = /(?:\/\/|\/\*\*?|^\s*\*).*unverified/i
const mentions = (file: string): number =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => comment.test(line)).length

/** How often a comment in the sources says "unverified", by file. */
const unverified = (folder: string): string => {
  const files = globSync(`${folder}/src/**/*.ts`).sort()
  const isSandbox = (file: string) => relative(`${folder}/src`, file).startsWith('sandbox')
  const own = files.filter((file) => !isSandbox(file) && mentions(file) > 0).map((file) => `[${relative(`${folder}/src`, file)}](${file}) ${mentions(file)}`)
  const emulator = files.filter(isSandbox).reduce((sum, file) => sum + mentions(file), 0)
  return [own.length > 0 ? own.join(', ') : 'none', ...(emulator > 0 ? [`emulator ${emulator}`] : [])].join('; ')
}

const restRow = (declared: Declared, adapter: Adapter, { kind, spec, ...support }: Support): Row => {
  const limits = limitsOf({ kind, spec, ...support }) as Limits
  return [
    `[${adapter.name}](${declared.folder}/README.md)`,
    recoveryOf(spec.recovery),
    spec.proof ?? 'platform',
    `${limits.checkedAt}: ${limits.source}`,
    conformance(declared, adapter),
    unverified(declared.folder),
  ]
}

/** Two tables: what each platform takes, and what the promises rest on there. */
export const matrix = (adapters: readonly Declared[]): string => {
  const each = (row: (declared: Declared, adapter: Adapter, support: Support) => Row): Row[] =>
    adapters.flatMap((declared) => {
      const adapter = declared.suites[0]?.adapter() as Adapter
      return adapter.content.map((support) => row(declared, adapter, support))
    })
  return [
    table(
      ['platform', 'kind', 'connects by', 'text', 'files', 'thread', 'poll', 'replies', 'update', 'unpublish', 'refresh', 'metrics'],
      each((_, adapter, support) => canRow(adapter, support)),
    ),
    table(['platform', 'after a lost answer', 'proof', 'limits read on, from', 'conformance suite', 'comments that say "unverified"'], each(restRow)),
  ].join('\n\n')
}
