// Files that are either there as a whole or not at all, also after a power cut.

import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

/** Resolves when the bytes survive a crash. */
export async function replaceFile(path: string, data: string): Promise<void> {
  const handle = await open(`${path}.tmp`, 'w', 0o600)
  try {
    await handle.writeFile(data)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await publishFile(`${path}.tmp`, path)
}

/** Gives a file that is already on the disk its name. */
export async function publishFile(temporary: string, path: string): Promise<void> {
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** `replaceFile` for callers that cannot wait. */
export function replaceFileSync(path: string, data: Uint8Array): void {
  const file = openSync(`${path}.tmp`, 'w', 0o600)
  try {
    writeFileSync(file, data)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.tmp`, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
