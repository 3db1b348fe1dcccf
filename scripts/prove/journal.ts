// What the host intends and what it was told, on disk before and after each call: the memory that its deaths do not touch.

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'

/** One publication as it is asked for. */
export interface Draft {
  readonly tenant: string
  readonly idempotencyKey: string
  readonly to: readonly string[]
  readonly texts: readonly string[]
  readonly at: string
}
/** What is done to it later, once. */
export type After = { readonly do: 'cancel' | 'reschedule'; readonly at: string; readonly to?: string }

export type Entry =
  /** One call: several drafts are all taken in, or none of them. */
  | { readonly is: 'intent'; readonly n: number; readonly drafts: readonly Draft[]; readonly after?: After }
  /** By draft: the ids of its deliveries, in the order of `to`. */
  | { readonly is: 'taken'; readonly n: number; readonly ids: readonly (readonly string[])[] }
  | { readonly is: 'refused'; readonly n: number; readonly why: string }
  | { readonly is: 'changed'; readonly n: number; readonly deliveryId: string; readonly change: After['do']; readonly status: string }

export const readJournal = (file: string): Entry[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => {
          try {
            return line === '' ? [] : [JSON.parse(line) as Entry]
          } catch {
            // Its writer died in the middle of the line: what it was about to say was not said.
            return []
          }
        })
    : []

/** Each call returns when the entry is on the disk. */
export const openJournal = (file: string): ((entry: Entry) => void) => {
  const handle = openSync(file, 'a')
  process.once('exit', () => closeSync(handle))
  // A line that a death cut off ends here.
  writeSync(handle, '\n')
  return (entry) => {
    writeSync(handle, `${JSON.stringify(entry)}\n`)
    fsyncSync(handle)
  }
}

/** One intent with all that became of it. */
export interface Story {
  readonly n: number
  readonly drafts: readonly Draft[]
  readonly after?: After
  readonly taken?: readonly (readonly string[])[]
  readonly refused?: string
  readonly changes: readonly { readonly deliveryId: string; readonly change: After['do']; readonly status: string }[]
}

export const storiesOf = (entries: readonly Entry[]): Story[] => {
  const stories = new Map<number, Story>()
  for (const entry of entries) {
    if (entry.is === 'intent') {
      const { n, drafts, after } = entry
      stories.set(n, { n, drafts, ...(after && { after }), changes: [] })
      continue
    }
    const story = stories.get(entry.n)
    if (!story) throw new Error(`The journal tells what became of ${entry.n} and not what it was.`)
    if (entry.is === 'taken') stories.set(entry.n, { ...story, taken: entry.ids })
    else if (entry.is === 'refused') stories.set(entry.n, { ...story, refused: entry.why })
    else stories.set(entry.n, { ...story, changes: [...story.changes, entry] })
  }
  return [...stories.values()]
}
