// `add`: our models into the host's Prisma schema, our SQL into its migrations. Twice is as good as once.

import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { sqlFiles } from '../ready-sql.ts'
import { diff } from './diff.ts'
import { withModels } from './models.ts'
import { findPlace, type Place } from './place.ts'

export interface AddOptions {
  readonly schema?: string | undefined
  readonly migrations?: string | undefined
  /** Shows what would change, and changes nothing. */
  readonly dryRun?: boolean | undefined
  /** Without the SQL, for a host that applies it by other means. */
  readonly noMigration?: boolean | undefined
  readonly now: Date
}

interface Change {
  readonly file: string
  readonly before: string
  readonly after: string
}

const readIf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

/** Prisma applies migrations in the order of their names, which begin with the second they were made in. */
const stampOf = (now: Date): string => now.toISOString().replace(/\D/g, '').slice(0, 14)

const lastStamp = (folder: string): string =>
  globSync('*/migration.sql', { cwd: folder })
    .map((file) => dirname(file).split('_')[0] ?? '')
    .toSorted()
    .at(-1) ?? ''

const migrationChanges = ({ migrations, provider }: Place, now: Date): Change[] => {
  const stamp = stampOf(now)
  if (lastStamp(migrations) > stamp)
    throw new TypeError(
      `${migrations}: it has a migration of a later moment than this one (${lastStamp(migrations)}), so ours would come before it. Check the clock, or rename that one.`,
    )
  return sqlFiles(provider)
    .filter(({ version }) => globSync(`*_syndikit_${version}/migration.sql`, { cwd: migrations }).length === 0)
    .map(({ version, text }) => ({ file: join(migrations, `${stamp}_syndikit_${version}`, 'migration.sql'), before: '', after: text }))
}

/** Does it, and answers what to print. */
export const add = (root: string, options: AddOptions): string => {
  const place = findPlace(root, options)
  const before = readIf(place.file)
  const after = withModels(before, place.provider, relative(root, place.file))
  const schema: Change[] = before === after ? [] : [{ file: place.file, before, after }]
  const changes = [...schema, ...(options.noMigration ? [] : migrationChanges(place, options.now))]
  if (changes.length === 0) return `${relative(root, place.file)} has Syndikit's models already. Nothing was changed.`
  if (!options.dryRun)
    for (const { file, after: text } of changes) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
  const shown = changes.map(({ file, before: old, after: text }) => `${relative(root, file)}\n${diff(old, text)}`)
  const next = options.dryRun
    ? 'Nothing was changed: this was a dry run.'
    : `Next: \`npx prisma generate\`${options.noMigration ? '' : ', and `npx prisma migrate dev` (in production `npx prisma migrate deploy`)'}.`
  return [...shown, next].join('\n\n')
}
