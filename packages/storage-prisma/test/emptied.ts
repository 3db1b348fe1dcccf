// One database for many tests: the tables stay, what is in them goes.

import { tables } from '@syndikit/storage-sql/schema'
import type { HostClient } from './clients.ts'

/** Removes every row of ours, the deployment's name included, but not the version of the tables. */
export const emptied = async (client: HostClient): Promise<void> => {
  for (const { name } of tables()) await client.$executeRawUnsafe(`delete from ${name}${name === 'syndikit_meta' ? " where name <> 'schema'" : ''}`)
}
