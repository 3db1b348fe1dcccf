// Comes between the engine and its database, in tests.

import type { Storage } from '../../src/index.ts'

type Verb = (...args: never[]) => Promise<unknown>
/** Every call of the database goes through `meddle`, which may refuse, lose the answer, or wait. Verbs are called `deliveries.save`, `now`, … */
export const around = (storage: Storage, meddle: (verb: string, call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>): Storage => {
  const group = (name: string, verbs: object): object =>
    Object.fromEntries(
      Object.entries(verbs).map(([verb, call]) => [
        verb,
        // It asks no database.
        verb === 'isDataError'
          ? call
          : typeof call === 'function'
            ? (...args: unknown[]) => meddle(`${name}${verb}`, () => (call as Verb)(...(args as never[])), args)
            : group(`${verb}.`, call as object),
      ]),
    )
  return group('', storage) as unknown as Storage
}
