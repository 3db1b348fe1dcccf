// Puts our models into the text of a Prisma schema: appended once, replaced between their markers after that. What a host has added to them to relate to them stays.

import { models, toText } from '../fragment.ts'
import type { Provider } from '../provider.ts'

const begin = '// >>> syndikit: made by `npx @syndikit/storage-prisma add`, which keeps relations that you add here and replaces the rest.'
const beginMark = /^\/\/ >>> syndikit\b.*$/m
const end = '// <<< syndikit'
const endMark = /^\/\/ <<< syndikit\b.*$/m
const note =
  '// Read and relate to these as you like, and write to them only through Syndikit. Instants are epoch milliseconds. Relate with `onDelete: SetNull`: old rows go.'

const scalars = new Set(['String', 'Boolean', 'Int', 'BigInt', 'Float', 'Decimal', 'DateTime', 'Json', 'Bytes'])
const modelBlock = /^model (\w+) \{\n([\s\S]*?)^\}/gm
const field = /^\s*(\w+)\s+(\w+)(?:\[\]|\?)?(?:\s|$)/

/** Fields whose type is another model: columns of ours never have one. */
const relationsIn = (block: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...block.matchAll(modelBlock)].map(([, name = '', body = '']) => [
      name,
      body
        .split('\n')
        .filter((line) => {
          const type = field.exec(line)?.[2]
          return type !== undefined && !scalars.has(type)
        })
        .map((line) => `  ${line.trim()}`),
    ]),
  )

/** Formatters move spaces about; that is no difference. */
const squeezed = (text: string): string =>
  text
    .replace(/[ \t]+/g, ' ')
    .replace(/ $/gm, '')
    .trim()

const refuse = (file: string, words: string): never => {
  throw new TypeError(`${file}: ${words}`)
}

const between = (text: string, file: string): { readonly from: number; readonly to: number } | undefined => {
  const opening = beginMark.exec(text)
  const closing = endMark.exec(text)
  if (!opening && !closing) return undefined
  if (opening && closing && closing.index > opening.index) return { from: opening.index, to: closing.index + closing[0].length }
  return refuse(
    file,
    `one of the two lines that begin with "// >>> syndikit" and "${end}" is missing. Remove what is between them and the other line too, and run this again.`,
  )
}

/** The schema with our models. `file` is for messages. */
export const withModels = (given: string, provider: Provider, file: string): string => {
  const isCrlf = given.includes('\r\n')
  const text = given.replaceAll('\r\n', '\n')
  const place = between(text, file)
  const own = place ? text.slice(place.from, place.to) : ''
  const others = place ? `${text.slice(0, place.from)}${text.slice(place.to)}` : text
  const all = models(provider)
  const taken = all.find(({ name }) => new RegExp(`^model ${name}\\b`, 'm').test(others))
  if (taken) refuse(file, `it has a model ${taken.name} that was not put there by this command. Remove or rename it, and run this again.`)
  const block = [begin, note, '', toText(all, relationsIn(own)), end].join('\n')
  if (place && squeezed(block) === squeezed(own)) return given
  const made = place ? `${text.slice(0, place.from)}${block}${text.slice(place.to)}` : `${text === '' ? '' : `${text.trimEnd()}\n\n`}${block}\n`
  return isCrlf ? made.replaceAll('\n', '\r\n') : made
}

/** Whether our models are in that text. */
export const hasModels = (text: string): boolean => beginMark.test(text)
