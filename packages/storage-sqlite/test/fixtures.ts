// A folder of database files that goes with the test file.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'syndikit-'))
afterAll(() => rmSync(folder, { recursive: true }))

let made = 0
export const newPath = (ending = '.db') => join(folder, `${++made}${ending}`)

export { connected, publication, query, tenant } from '../../storage-sql/test/rows.ts'
