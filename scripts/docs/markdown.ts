// Reads one Markdown page: the anchors it offers, the links it makes, the TypeScript it shows. Lines count from 1.
import { readFileSync } from 'node:fs'

/** A link as written, with the line it stands on. */
type Link = { readonly target: string; readonly line: number }

/** A fenced block; `info` is what follows the fence, `line` is that of its first line of code. */
export type Block = { readonly info: string; readonly line: number; readonly code: readonly string[] }

export type Page = {
  readonly anchors: ReadonlySet<string>
  readonly links: readonly Link[]
  readonly blocks: readonly Block[]
  /** Lines outside of blocks. */
  readonly prose: ReadonlyArray<{ readonly text: string; readonly line: number }>
}

const opening = /^\s*(`{3,}|~{3,})\s*(.*?)\s*$/
const linkForms = [
  /\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\))?)>?(?:\s+["'][^)]*)?\s*\)/g, // [text](target "title"), images too
  /^\s*\[[^\]^][^\]]*\]:\s*<?([^\s>]+)/g, // [name]: target
  /<(?:a|img|source)\s[^>]*?(?:href|src|srcset)="([^"\s]+)"/g,
]

/** Parts a page into code blocks and prose; prose keeps its line numbers. */
function split(text: string): { blocks: Block[]; prose: Array<{ text: string; line: number }> } {
  const blocks: Block[] = []
  const prose: Array<{ text: string; line: number }> = []
  let open: { fence: string; info: string; line: number; code: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence = '', info = ''] = opening.exec(line) ?? []
    if (open) {
      if (fence.startsWith(open.fence) && info === '') {
        blocks.push(open)
        open = undefined
      } else open.code.push(line)
    } else if (fence !== '') open = { fence, info, line: index + 2, code: [] }
    else prose.push({ text: line, line: index + 1 })
  }
  if (open) blocks.push(open)
  return { blocks, prose }
}

/** The anchor GitHub gives a heading: its visible text in lower case, punctuation dropped, spaces as hyphens. */
function slug(heading: string): string {
  const visible = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]+>/g, '')
  return visible
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-')
}

function anchorsOf(prose: ReadonlyArray<{ text: string }>): Set<string> {
  const anchors = new Set<string>()
  for (const { text } of prose) {
    for (const [, id] of text.matchAll(/<[a-z]+\s[^>]*?(?:id|name)="([^"]+)"/g)) anchors.add(id as string)
    const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1]
    if (heading === undefined) continue
    const base = slug(heading)
    let anchor = base
    for (let n = 1; anchors.has(anchor); n++) anchor = `${base}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

export function readPage(file: string): Page {
  const { blocks, prose } = split(readFileSync(file, 'utf8'))
  const links = prose.flatMap(({ text, line }) => {
    const visible = text.replace(/(`+).+?\1/g, (code) => 'x'.repeat(code.length)) // what looks like a link in code is none
    return linkForms.flatMap((form) => [...visible.matchAll(form)].map((match) => ({ target: match[1] as string, line })))
  })
  return { anchors: anchorsOf(prose), links, blocks, prose }
}
