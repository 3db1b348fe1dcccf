// A process of its own: opens the file it is given and adds one publication, or says why not.
import { sqliteStorage } from '@syndikit/storage-sqlite'

const storage = sqliteStorage(process.argv[2] ?? '')
try {
  await storage.open('suite')
  await storage.quotas.slot('tenant', 'connection', 1)
  console.log('written')
} catch (error) {
  console.log(error instanceof Error ? error.message : error)
}
