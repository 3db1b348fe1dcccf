// What to do about a database that lacks our tables, or has them as an earlier release left them.

import type { Provider } from './provider.ts'

const ways = (provider: Provider) =>
  'Run `npx @syndikit/storage-prisma add`, and then `npx prisma migrate deploy` (or `migrate dev`). ' +
  `Without Prisma Migrate, run the files of node_modules/@syndikit/storage-prisma/sql/${provider} in order. ` +
  'Or set `migrate: true`, and Syndikit makes its tables itself.'

export const unmigrated =
  (provider: Provider) =>
  (version: number, newest: number): Error =>
    new TypeError(
      version === 0
        ? `prismaStorage: Syndikit's migration 1 is not applied to this database (tables that Prisma made from the models alone lack what it records). ${ways(provider)}`
        : `prismaStorage: this database has Syndikit's migration ${version}, and this release needs ${newest}: ${version + 1 === newest ? `migration ${newest} is` : `migrations ${version + 1} to ${newest} are`} not applied. ${ways(provider)}`,
    )
