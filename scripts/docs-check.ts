// Checks the documentation: links and headings resolve, things have one name, the TypeScript compiles, what is made from the code is fresh, every package has a README.
import { existsSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codeErrors } from './docs/code.ts'
import { staleParts } from './docs/generated.ts'
import { brokenLinks } from './docs/links.ts'
import { readPage } from './docs/markdown.ts'
import { otherWords } from './docs/words.ts'

const written = ['README.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'packages/{*,adapters/*}/README.md', 'examples/*/README.md']
const packages = globSync('packages/{*,adapters/*}/package.json').map(dirname)

const files = globSync(written).sort()
const pages = new Map(files.map((file) => [file, readPage(file)]))
const missing = ['.', ...packages].map((folder) => join(folder, 'README.md')).filter((file) => !existsSync(file))

const problems = [...missing.map((file) => `${file}:1 is missing`), ...brokenLinks(pages), ...otherWords(pages), ...codeErrors(pages), ...(await staleParts())]
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? `${pages.size} pages are sound` : `${problems.length} problems in ${pages.size} pages`)
process.exitCode = problems.length === 0 ? 0 : 1
