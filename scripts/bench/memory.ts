// Resident memory of a process that works on a file with a million rows, beside one that works on an empty file.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Figure } from './figures.ts'

const program = fileURLToPath(new URL('memory-worker.ts', import.meta.url))
const residentMb = (file: string): number =>
  Number(execFileSync(process.execPath, ['--conditions=@syndikit/source', '--expose-gc', program, file], { encoding: 'utf8' }))

/** SQLite's own cache of pages is part of it: 32 MB at most. */
export const memoryFigure = (file: string, folder: string): Figure => {
  const [empty, full] = [residentMb(join(folder, 'empty.db')), residentMb(file)]
  return {
    what: 'memory of a worker with the rows waiting, above one without',
    value: full - empty,
    unit: 'MB',
    atMost: 40,
    from: `${Math.round(full)} and ${Math.round(empty)} MB`,
  }
}
