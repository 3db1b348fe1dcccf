// Refuses drafts that are dangerous to walk, to merge or to send, before anything else looks at them.

import type { Problem } from '../contract/limits.ts'

const most = { depth: 32, bytes: 1_000_000 }

/** Merged or assigned, these change what every object of the process inherits. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype'])

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

interface Walk {
  readonly problems: Problem[]
  bytes: number
}

const tooDeep = (pointer: string): Problem => ({
  code: 'too-deep',
  pointer,
  limit: most.depth,
  unit: 'levels',
  fix: 'Flatten it. A value that contains itself is without end.',
})

/** Neither survives the way to a platform as it is: the one becomes a replacement character, the other ends a text or is refused by the platform's database. */
const unsendable = /[\0\p{Surrogate}]/u

const unsendableAt = (text: string, index: number, pointer: string): Problem => {
  const [code, what] =
    text[index] === '\0'
      ? ['nul-character', 'the NUL character']
      : ['half-character', 'half a character (a lone surrogate, left where an emoji was cut in two)']
  return { code, pointer, actual: index, unit: 'utf16', fix: `Take out ${what} at position ${index}: no platform can show it.` }
}

const visitText = (text: string, pointer: string, { problems }: Walk): void => {
  const index = text.search(unsendable)
  if (index >= 0) problems.push(unsendableAt(text, index, pointer))
}

const visit = (value: unknown, pointer: string, depth: number, walk: Walk): void => {
  // A lower bound of its JSON; what is visited twice counts twice, so shared parts cannot multiply unseen.
  walk.bytes += typeof value === 'string' ? Buffer.byteLength(value) + 2 : 2
  if (walk.bytes > most.bytes) return
  if (typeof value === 'string') visitText(value, pointer, walk)
  if (typeof value !== 'object' || value === null) return
  if (depth > most.depth) {
    walk.problems.push(tooDeep(pointer))
    return
  }
  for (const key of Object.keys(value)) {
    const below = `${pointer}/${escaped(key)}`
    if (!Array.isArray(value)) walk.bytes += Buffer.byteLength(key) + 3
    if (forbidden.has(key)) walk.problems.push({ code: 'forbidden-key', pointer: below, fix: `Rename the member: \`${key}\` is reserved by JavaScript.` })
    else visit((value as Record<string, unknown>)[key], below, depth + 1, walk)
    if (walk.bytes > most.bytes) return
  }
}

/**
 * Members named `__proto__`, `constructor` or `prototype` at any depth (`forbidden-key`), more than 32 levels (`too-deep`), more than 1 MB (`too-large`),
 * texts that no platform gets as they are (`nul-character`, `half-character`). Walks no further than that.
 */
export const dangersIn = (value: unknown): Problem[] => {
  const walk: Walk = { problems: [], bytes: 0 }
  visit(value, '', 0, walk)
  if (walk.bytes > most.bytes)
    walk.problems.push({
      code: 'too-large',
      pointer: '',
      limit: most.bytes,
      unit: 'bytes',
      fix: 'Make it smaller: files are named by `file`, `url` or `ref`, not put in.',
    })
  return walk.problems
}
