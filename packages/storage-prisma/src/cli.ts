#!/usr/bin/env node
// The command `npx @syndikit/storage-prisma`.

import { parseArgs } from 'node:util'
import { add } from './add/add.ts'

const usage = `npx @syndikit/storage-prisma add [--schema PATH] [--migrations PATH] [--no-migration] [--dry-run]

Puts Syndikit's models into your Prisma schema and its SQL into your migrations. Run it again after an update: it changes what is new.

  --schema PATH       file or folder of your schema. Default: where prisma.config.ts or package.json say, else prisma/schema.prisma
  --migrations PATH   folder of your migrations. Default: where prisma.config.ts says, else \`migrations\` beside the schema
  --no-migration      only the models; the SQL lies ready in node_modules/@syndikit/storage-prisma/sql
  --dry-run           shows what would change`

const read = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      schema: { type: 'string' },
      migrations: { type: 'string' },
      'no-migration': { type: 'boolean' },
      'dry-run': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })

const run = (): string => {
  const { values, positionals } = read()
  if (values.help) return usage
  if (positionals.length !== 1 || positionals[0] !== 'add') throw new TypeError(`There is one command: add.\n\n${usage}`)
  const { schema, migrations, 'no-migration': noMigration, 'dry-run': dryRun } = values
  return add(process.cwd(), { schema, migrations, noMigration, dryRun, now: new Date() })
}

try {
  console.log(run())
} catch (error) {
  // Nothing but what the host has written can be wrong; a stack would not help.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
