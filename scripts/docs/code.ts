// Type-checks the TypeScript that pages show, in one program, against the packages' sources.
// A block marked `ts` stands alone; `ts continues` sees what the block before it on the page declared; `ts ignore` is not checked.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Block, Page } from './markdown.ts'

const folder = 'node_modules/.cache/docs'
const options = { extends: '../../../tsconfig.json', include: ['*.mts'], exclude: [] } // .mts: below node_modules no package.json says "module"

/** One message per compile error, at its line of the page. */
export function codeErrors(pages: ReadonlyMap<string, Page>): string[] {
  const snippets = [...pages].flatMap(([file, page]) => snippetsOf(file, page.blocks))
  if (snippets.length === 0) return []
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options))
    for (const { name, lines } of snippets) writeFileSync(join(folder, name), lines.join('\n'))
    const { status, stdout, error } = spawnSync('tsc', ['--project', folder, '--pretty', 'false'], { encoding: 'utf8' })
    if (error) throw error
    return status === 0 ? [] : stdout.trim().split('\n').map(atThePage(snippets))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Snippet = { readonly name: string; readonly file: string; readonly lines: string[] }

/** Code keeps the line numbers of its page: blank lines stand where the prose was. */
function snippetsOf(file: string, blocks: readonly Block[]): Snippet[] {
  const snippets: Snippet[] = []
  for (const { info, line, code } of blocks) {
    if (info !== 'ts' && info !== 'ts continues') continue
    const last = snippets.at(-1)
    const snippet = info === 'ts continues' && last ? last : { name: `${file.replaceAll(/[/.]/g, '_')}_${line}.mts`, file, lines: [] }
    if (snippet !== last) snippets.push(snippet)
    while (snippet.lines.length < line - 1) snippet.lines.push('')
    snippet.lines.push(...code)
  }
  return snippets
}

const atThePage = (snippets: readonly Snippet[]) => (message: string) => {
  const [, name, line, rest] = /([^/(]+\.mts)\((\d+),\d+\): (.*)$/.exec(message) ?? []
  const snippet = snippets.find((one) => one.name === name)
  return snippet ? `${snippet.file}:${line} ${rest}` : message
}
