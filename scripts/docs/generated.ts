// Parts of pages that are made from the code, between `<!-- NAME: made by npm run matrix -->` and `<!-- /NAME -->`.
import { readFileSync, writeFileSync } from 'node:fs'
import { errors, pauses, states } from './life.ts'
import { matrix } from './matrix.ts'
import { declaredSuites } from './suites.ts'

const parts = [
  { file: 'README.md', name: 'matrix', make: async () => matrix(await declaredSuites()) },
  { file: 'docs/how-it-works.md', name: 'states', make: async () => states() },
  { file: 'docs/how-it-works.md', name: 'errors', make: async () => errors() },
  { file: 'docs/how-it-works.md', name: 'pauses', make: async () => pauses() },
]

const between = (page: string, file: string, name: string): { from: number; to: number } => {
  const [open, close] = [`<!-- ${name}: made by npm run matrix -->\n`, `<!-- /${name} -->`]
  const [from, to] = [page.indexOf(open), page.indexOf(close)]
  if (from < 0 || to < from) throw new Error(`${file} has no place for "${name}": put in a line ${open.trim()} and a line ${close}.`)
  return { from: from + open.length, to }
}

const made = async () =>
  Promise.all(
    parts.map(async ({ file, name, make }) => {
      const page = readFileSync(file, 'utf8')
      const { from, to } = between(page, file, name)
      const text = `${await make()}\n`
      return { file, name, text, line: page.slice(0, from).split('\n').length, stale: page.slice(from, to) !== text }
    }),
  )

/** One message per part that is not what the code says now. */
export const staleParts = async (): Promise<string[]> =>
  (await made()).filter(({ stale }) => stale).map(({ file, name, line }) => `${file}:${line} "${name}" is not what the code says now: npm run matrix`)

/** Writes what has changed. Answers its names. */
export const writeParts = async (): Promise<string[]> => {
  const stale = (await made()).filter((part) => part.stale)
  for (const { file, name, text } of stale) {
    const page = readFileSync(file, 'utf8')
    const { from, to } = between(page, file, name)
    writeFileSync(file, `${page.slice(0, from)}${text}${page.slice(to)}`)
  }
  return stale.map(({ file, name }) => `${file} ${name}`)
}
