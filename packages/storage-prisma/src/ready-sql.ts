// Our migrations as SQL files: for Prisma Migrate, and for those who change their database by other means.

import { readySchema } from '@syndikit/storage-sql/schema'
import { dialectOf, type Provider } from './provider.ts'
import { shapeOf } from './shape.ts'

/** One migration as a file. */
export interface SqlFile {
  readonly version: number
  readonly text: string
}

const plain = (statement: string): string => statement.replace(/ +$/gm, '')

/** Oldest first. */
export const sqlFiles = (provider: Provider): readonly SqlFile[] =>
  readySchema(dialectOf(provider), shapeOf(provider)).map(({ version, statements }) => ({
    version,
    text: `-- Syndikit, migration ${version} for ${provider}. Made from @syndikit/storage-sql: do not change it, a later release adds another one.\n\n${statements.map((statement) => `${plain(statement)};\n`).join('\n')}`,
  }))
