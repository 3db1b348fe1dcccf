// Finds relative links that lead nowhere: no such file, or no such heading in it.
import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { type Page, readPage } from './markdown.ts'

/** One message per broken link, `file:line what is wrong`. Addresses with a scheme are not looked up. */
export function brokenLinks(pages: ReadonlyMap<string, Page>): string[] {
  return [...pages].flatMap(([file, page]) =>
    page.links.flatMap(({ target, line }) => {
      const wrong = problemOf(file, target, pages)
      return wrong ? [`${file}:${line} ${wrong}`] : []
    }),
  )
}

function problemOf(from: string, target: string, pages: ReadonlyMap<string, Page>): string | undefined {
  if (/^([a-z][a-z\d+.-]*:|\/\/)/i.test(target)) return undefined
  const [path = '', anchor = ''] = target.split('#').map(decodeURIComponent)
  const file = path === '' ? from : normalize(path.startsWith('/') ? `.${path}` : join(dirname(from), path))
  if (file.startsWith('..')) return `links out of the repository: ${target}`
  if (!existsSync(file)) return `links to a file that does not exist: ${target}`
  if (anchor === '' || !file.endsWith('.md') || !statSync(file).isFile()) return undefined
  const { anchors } = pages.get(file) ?? readPage(file)
  return anchors.has(anchor) ? undefined : `links to a heading that does not exist: ${target} (there are: ${[...anchors].join(', ')})`
}
