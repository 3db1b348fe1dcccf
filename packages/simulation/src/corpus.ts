// Plans of runs that once broke a promise. They run every time. Kept whole and not as seeds, which mean another run once the commands are made in another way.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from './commands.ts'

interface Kept {
  readonly name: string
  /** What was wrong. */
  readonly found: string
  readonly plan: Plan
}

const folder = join(import.meta.dirname, '../corpus')
const ending = '.json'

export const keptPlans = (): readonly Kept[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .toSorted()
    .map((file) => ({ name: file.slice(0, -ending.length), ...(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Omit<Kept, 'name'>) }))

/** Answers the file. Whoever mends what was found says in `found` what that was. */
export const keep = ({ name, found, plan }: Kept): string => {
  const file = join(folder, `${name}${ending}`)
  writeFileSync(file, `${JSON.stringify({ found, plan }, null, 2)}\n`)
  return file
}
