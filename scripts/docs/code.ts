// Type-checks the TypeScript that pages show, in one program, against the packages' sources.
// A block marked `ts` stands alone; `ts continues` goes on from the block before it on the page; `ts ignore` is not checked.
// A block whose first line is `// name.ts` is a file of that name: other blocks of the page may import it as `./name.ts`.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Block, Page } from './markdown.ts'

const folder = 'node_modules/.cache/docs'
const options = { extends: '../../../tsconfig.json', include: ['**/*.ts'], exclude: [] }
/** Below node_modules nothing else says so. */
const modules = { type: 'module' }

/** One message per compile error, at its line of the page. */
export function codeErrors(pages: ReadonlyMap<string, Page>): string[] {
  const snippets = [...pages].flatMap(([file, page]) => snippetsOf(page.blocks).map((snippet) => placed(file, snippet)))
  if (snippets.length === 0) return []
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options))
    writeFileSync(join(folder, 'package.json'), JSON.stringify(modules))
    for (const { path, lines } of snippets) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), lines.join('\n'))
    }
    const { status, stdout, error } = spawnSync('tsc', ['--project', folder, '--pretty', 'false'], { encoding: 'utf8' })
    if (error) throw error
    return status === 0 ? [] : stdout.trim().split('\n').map(atThePage(snippets))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Snippet {
  /** What the block calls itself, where it does. */
  readonly name: string | undefined
  /** Of the page, where its first block begins. */
  readonly line: number
  /** Code keeps the line numbers of its page: blank lines stand where the prose was. */
  readonly lines: string[]
}
type Placed = Snippet & { readonly file: string; readonly path: string }

const nameOf = ({ code }: Block): string | undefined => /^\/\/ ([\w-]+(?:\.test)?\.ts)$/.exec(code[0] ?? '')?.[1]

/** The checked code of a page, block after block. */
export function snippetsOf(blocks: readonly Block[]): Snippet[] {
  const snippets: Snippet[] = []
  for (const block of blocks) {
    const { info, line, code } = block
    if (info !== 'ts' && info !== 'ts continues') continue
    const last = snippets.at(-1)
    const snippet = info === 'ts continues' && last ? last : { name: nameOf(block), line, lines: [] }
    if (snippet !== last) snippets.push(snippet)
    while (snippet.lines.length < line - 1) snippet.lines.push('')
    snippet.lines.push(...code)
  }
  return snippets
}

const placed = (file: string, snippet: Snippet): Placed => ({
  ...snippet,
  file,
  path: join(file.replaceAll(/[/.]/g, '_'), snippet.name ?? `${snippet.line}.ts`),
})

const atThePage = (snippets: readonly Placed[]) => (message: string) => {
  const [, path = '', line, rest] = /^(.+?\.ts)\((\d+),\d+\): (.*)$/.exec(message) ?? []
  const snippet = snippets.find((one) => path.endsWith(one.path))
  return snippet ? `${snippet.file}:${line} ${rest}` : message
}
