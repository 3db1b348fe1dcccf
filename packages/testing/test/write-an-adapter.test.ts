// The adapter that docs/write-an-adapter.md writes, taken from the page and tried as the page says.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { snippetsOf } from '../../../scripts/docs/code.ts'
import { readPage } from '../../../scripts/docs/markdown.ts'

const { blocks } = readPage(resolve(import.meta.dirname, '../../../docs/write-an-adapter.md'))
const files = snippetsOf(blocks).flatMap(({ name, lines }) => (name === undefined ? [] : [{ name, text: lines.join('\n') }]))

// Inside the repository: the code imports packages as any other file here does.
const folder = mkdtempSync(join(import.meta.dirname, '.page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
// Not as `*.test.ts`: another run of the tests must not find it.
for (const { name, text } of files) writeFileSync(join(folder, name.replace('.test.ts', '-suite.ts')), text)

test('the page has an adapter, its emulator and its tests, and the adapter stays within the size of one', () => {
  expect(files.map(({ name }) => name)).toEqual(['postbox.ts', 'emulator.ts', 'postbox.test.ts', 'own.test.ts'])
  const code = files[0]?.text.split('\n').filter((line) => line.trim() !== '') ?? []
  expect(code.length).toBeLessThan(200)
})

for (const name of ['postbox-suite.ts', 'own-suite.ts']) await import(pathToFileURL(join(folder, name)).href)
