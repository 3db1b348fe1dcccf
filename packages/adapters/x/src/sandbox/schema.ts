// The part of JSON Schema that X's request bodies need, with the messages its validator writes.

import { type Fault, isObject } from './reply.ts'

export interface Schema {
  type: 'object' | 'array' | 'string' | 'integer' | 'boolean'
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  /** Default false, as in X's bodies. */
  open?: true
  items?: Schema
  minItems?: number
  maxItems?: number
  pattern?: RegExp
  enum?: readonly string[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
}

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

const fault = (path: string, value: unknown, message: string): Fault => ({
  parameters: value === undefined ? {} : { [path]: [typeof value === 'string' ? value : JSON.stringify(value)] },
  message: `${path}: ${message}`,
})

const objectFaults = (value: Record<string, unknown>, schema: Schema, path: string): Fault[] => {
  const properties = schema.properties ?? {}
  return [
    ...(schema.required ?? []).filter((key) => value[key] === undefined).map((key) => fault(`${path}.${key}`, undefined, 'is missing but it is required')),
    ...Object.keys(value)
      .filter((key) => !schema.open && !Object.hasOwn(properties, key))
      .map((key) => fault(`${path}.${key}`, value[key], 'is not defined in the schema and the schema does not allow additional properties')),
    ...Object.entries(properties).flatMap(([key, inner]) => (value[key] === undefined ? [] : schemaFaults(value[key], inner, `${path}.${key}`))),
  ]
}

const arrayFaults = (value: readonly unknown[], { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items }: Schema, path: string): Fault[] => [
  ...(value.length < minItems ? [fault(path, value, `there must be a minimum of ${minItems} items in the array`)] : []),
  ...(value.length > maxItems ? [fault(path, value, `there must be a maximum of ${maxItems} items in the array`)] : []),
  ...(items ? value.flatMap((item, i) => schemaFaults(item, items, `${path}[${i}]`)) : []),
]

const stringFaults = (value: string, schema: Schema, path: string): Fault[] => {
  const length = [...value].length
  if (schema.pattern && !schema.pattern.test(value)) return [fault(path, value, `does not match the regex pattern ${schema.pattern.source}`)]
  if (schema.enum && !schema.enum.includes(value)) return [fault(path, value, `does not have a value in the enumeration [${schema.enum.join(', ')}]`)]
  if (length < (schema.minLength ?? 0)) return [fault(path, value, `must be at least ${schema.minLength} characters long`)]
  if (length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) return [fault(path, value, `may only be ${schema.maxLength} characters long`)]
  return []
}

export const schemaFaults = (value: unknown, schema: Schema, path = '$'): Fault[] => {
  if (typeOf(value) !== schema.type) return [fault(path, value, `${typeOf(value)} found, ${schema.type} expected`)]
  if (isObject(value)) return objectFaults(value, schema, path)
  if (Array.isArray(value)) return arrayFaults(value, schema, path)
  if (typeof value === 'string') return stringFaults(value, schema, path)
  if (typeof value === 'number' && value < (schema.minimum ?? value)) return [fault(path, value, `must have a minimum value of ${schema.minimum}`)]
  if (typeof value === 'number' && value > (schema.maximum ?? value)) return [fault(path, value, `must have a maximum value of ${schema.maximum}`)]
  return []
}
