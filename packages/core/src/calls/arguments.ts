// What calls are given, held to its types: a host in plain JavaScript has no compiler, and a name that was forgotten must not mean everything.

import { type Delivery, type Storage, states } from '../contract/storage.ts'
import type { ListRequest } from './scheduler.ts'

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

/** The request, once it has these members. */
export const having = <T extends object>(request: T, ...names: (keyof T & string)[]): T => {
  if (typeof request !== 'object' || request === null) throw new TypeError(`Give an object with ${names.map((name) => `\`${name}\``).join(' and ')}.`)
  for (const name of names)
    if (!isText(request[name])) throw new TypeError(`\`${name}\` is a text that is not empty${name === 'tenant' ? ': whose deliveries are meant' : ''}.`)
  return request
}

export const duration = (name: string, value: number): number => {
  if (typeof value === 'number' && value >= 0) return value
  throw new TypeError(`\`${name}\` is a number of milliseconds of at least 0, not ${String(value)}.`)
}

const mostPerPage = 200

type Wanted = readonly [is: (value: unknown) => boolean, words: string]
const aText: Wanted = [isText, 'is a text that is not empty']
const aMoment: Wanted = [(value) => value instanceof Date && !Number.isNaN(value.getTime()), 'is a valid Date']
const actions: readonly unknown[] = ['publish', 'update', 'unpublish', 'refresh']
const isState = (value: unknown): boolean => (states as readonly unknown[]).includes(value)

const filters: Readonly<Record<Exclude<keyof ListRequest, 'tenant'>, Wanted>> = {
  state: [(value) => [value].flat().every(isState), `is one or a list of ${states.join(', ')}`],
  platform: aText,
  connectionId: aText,
  publicationId: aText,
  action: [(value) => actions.includes(value), `is one of ${actions.join(', ')}`],
  from: aMoment,
  until: aMoment,
  limit: [(value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostPerPage, `is a whole number from 1 to ${mostPerPage}`],
  after: [(value) => typeof value === 'string', 'is the `next` of the page before'],
}

/** A filter that is misspelt would show what nobody asked for. */
export const listing = (request: ListRequest): ListRequest => {
  const { tenant: _, ...given } = having(request, 'tenant')
  for (const [name, value] of Object.entries(given)) {
    const [is, words] = (Object.hasOwn(filters, name) && filters[name as keyof typeof filters]) || []
    if (!is) throw new TypeError(`There is no filter \`${name}\`. Use ${Object.keys(filters).join(', ')}.`)
    if (value !== undefined && !is(value)) throw new TypeError(`\`${name}\` ${words}, not ${String(value).slice(0, 40)}.`)
  }
  return request
}

/** All deliveries of a publication, however many they are. */
export const deliveriesOf = async (storage: Storage, tenant: string, publicationId: string): Promise<readonly Delivery[]> => {
  const all: Delivery[] = []
  let after: string | undefined
  do {
    const { items, next } = await storage.deliveries.list(tenant, { publicationId, limit: 1_000, after })
    all.push(...items)
    after = next
  } while (after !== undefined)
  return all
}
