// Parameters as Rails reads them: JSON, forms with `a[]` and `a[b]`, multipart, and the query.

import { Refused } from './reply.ts'

type Param = string | number | boolean | null | Blob | Param[] | { [key: string]: Param }
export type Params = { [key: string]: Param }

export const isParams = (value: unknown): value is Params => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Blob)

const unreadable = (): Refused => new Refused(400, 'Bad Request')

const keysOf = (name: string): string[] => {
  const first = /^[^[\]]+/.exec(name)?.[0] ?? name
  const rest = [...name.slice(first.length).matchAll(/\[([^[\]]*)\]/g)].map((match) => match[1] ?? '')
  return [first, ...rest].slice(0, 5)
}

// Without a prototype, so that no name a client invents means anything.
const bare = (): Params => Object.create(null) as Params

const place = (into: Params, name: string, value: Param): void => {
  const keys = keysOf(name)
  let at = into
  for (const [i, key] of keys.entries()) {
    const next = keys[i + 1]
    if (next === undefined) at[key] = value
    else if (next === '') {
      const list = at[key]
      if (Array.isArray(list)) list.push(value)
      else at[key] = [value]
      return
    } else {
      const inner = at[key]
      const child = isParams(inner) ? inner : bare()
      at[key] = child
      at = child
    }
  }
}

const bodyParams = async (request: Request): Promise<Params> => {
  const type = request.headers.get('content-type') ?? ''
  const into = bare()
  if (type.startsWith('application/json')) {
    const text = await request.text()
    if (text.trim() === '') return into
    try {
      const parsed: unknown = JSON.parse(text)
      return isParams(parsed) ? Object.assign(into, parsed) : into
    } catch {
      throw unreadable()
    }
  }
  if (type.startsWith('multipart/form-data') || type.startsWith('application/x-www-form-urlencoded')) {
    const form = await request.formData().catch(() => undefined)
    if (!form) throw unreadable()
    for (const [name, value] of form) place(into, name, value)
  }
  return into
}

export const paramsOf = async (request: Request): Promise<Params> => {
  const params = bare()
  for (const [name, value] of new URL(request.url).searchParams) place(params, name, value)
  return Object.assign(params, await bodyParams(request))
}

export const text = (params: Params, key: string): string | undefined => {
  const value = params[key]
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** `undefined` where it is absent or empty. */
export const flag = (params: Params, key: string): boolean | undefined => {
  const value = text(params, key)
  return value === undefined || value === '' ? undefined : !['false', 'f', '0', 'off'].includes(value.toLowerCase())
}

/** Only lists count: Rails drops a single value where a list is permitted. */
export const list = (params: Params, key: string): string[] => {
  const value = params[key]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string' || typeof item === 'number').map(String) : []
}
