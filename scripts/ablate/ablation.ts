// One safeguard as the change that switches it off, and who must notice.

import { resolve } from 'node:path'

export interface Ablation {
  readonly safeguard: string
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Project and file name filter of the tests that must turn red. */
  readonly tests?: { readonly project: string; readonly filter: string }
  /** The first schedules of the simulation must turn red. */
  readonly simulated?: true
}

/** The code of a file as it is without the safeguard; undefined: another file. */
export const without =
  ({ safeguard, file, find, replace }: Ablation) =>
  (path: string, code: string): string | undefined => {
    if (path !== resolve(file)) return undefined
    if (code.split(find).length !== 2) throw new Error(`The ablation "${safeguard}" does not find its line in ${file}.`)
    return code.replace(find, () => replace)
  }
