// Writes the ready SQL that @syndikit/storage-prisma ships, one file per migration and database.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { providers } from '../packages/storage-prisma/src/provider.ts'
import { sqlFiles } from '../packages/storage-prisma/src/ready-sql.ts'

for (const provider of providers) {
  const folder = join(import.meta.dirname, '..', 'packages', 'storage-prisma', 'sql', provider)
  mkdirSync(folder, { recursive: true })
  for (const { version, text } of sqlFiles(provider)) writeFileSync(join(folder, `${version}.sql`), text)
}
