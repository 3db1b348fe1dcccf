// One sandbox per folder. The operating system holds the lock, so it ends with the process, however that ends.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

const isBusy = (error: unknown): boolean => (error as { errcode?: number }).errcode === 5

const holder = (folder: string): string => {
  try {
    return ` (process ${readFileSync(join(folder, 'pid'), 'utf8').trim()})`
  } catch {
    return ''
  }
}

/**
 * Takes the folder, blocking the process for up to `waitMs` while another sandbox that has it ends. Answers the release.
 * An exclusive SQLite transaction serves as the lock: unlike a file with a process id it can be neither stale nor taken twice.
 */
export function lockFolder(folder: string, waitMs: number): () => void {
  // Loaded here, so that a sandbox without a folder runs without SQLite.
  const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite')
  const lock: DatabaseSync = new Database(join(folder, 'lock'))
  try {
    lock.exec(`PRAGMA busy_timeout = ${waitMs}`)
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new Error(`The folder ${folder} is in use by another sandbox${holder(folder)}. Stop that one, or give this one another \`dir\`.`, { cause: error })
  }
  writeFileSync(join(folder, 'pid'), String(process.pid))
  return () => lock.close()
}
