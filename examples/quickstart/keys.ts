// The key ring: from SYNDIKIT_KEYS, or a file beside the database. A real app keeps its keys elsewhere than its data: in a secret store or the
// environment. Who copies this database together with its key file can read every credential in it.

import { randomUUID } from 'node:crypto'
import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { generateKey } from '@syndikit/core'

/** Made whole under another name, then linked: whenever this process is killed there is no key file, or a complete one. Of two processes the first one wins. */
const writeOnce = (file: string, text: string): void => {
  const draft = `${file}.${randomUUID()}`
  const handle = openSync(draft, 'wx', 0o600)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    closeSync(handle)
    rmSync(draft, { force: true })
  }
}

/** Without a database that stays, the key need not stay either. */
export const keyRing = (database: string | undefined, env: NodeJS.ProcessEnv): string => {
  if (env.SYNDIKIT_KEYS) return env.SYNDIKIT_KEYS
  if (database === undefined) return generateKey()
  const file = `${database}.keys`
  if (!existsSync(file)) writeOnce(file, `${generateKey()}\n`)
  chmodSync(file, 0o600)
  return readFileSync(file, 'utf8')
}
