// What the adapters' conformance tests declare, without running them: the adapter, its samples, the rules it skips.
// The test files are loaded as they are; for them this module stands in for the test runner and for the suite.
import { globSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AdapterSuite } from '../../packages/testing/src/index.ts'

/** @public */
export * from '../../packages/testing/src/index.ts'

export interface Declared {
  /** `packages/adapters/x` */
  readonly folder: string
  /** One per server or plan that the tests try; at least one. */
  readonly suites: readonly AdapterSuite[]
}

const recorded: AdapterSuite[] = []
/** @public */
export const testAdapter = (suite: AdapterSuite): void => void recorded.push(suite)
/** @public */
export const sampleFiles = () => ({ picture: 'picture.png', otherPicture: 'other.png', film: 'film.mp4' })
/** @public */
export const test = (): void => undefined
/** @public */
export const describe = (_: string, declare: () => void): void => declare()

const redirect = (specifier: string, from: string | undefined): boolean =>
  ['vitest', '@syndikit/testing'].includes(specifier) && from?.endsWith('/test/conformance.test.ts') === true

/** Every adapter in the house, by name. */
export const declaredSuites = async (): Promise<readonly Declared[]> => {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => (redirect(specifier, context.parentURL) ? { url: import.meta.url, shortCircuit: true } : next(specifier, context)),
  })
  try {
    const declared: Declared[] = []
    for (const folder of globSync('packages/adapters/*').sort()) {
      recorded.length = 0
      await import(pathToFileURL(resolve(folder, 'test/conformance.test.ts')).href)
      if (recorded.length === 0) throw new Error(`${folder}/test/conformance.test.ts does not call testAdapter for ${basename(folder)}.`)
      declared.push({ folder, suites: [...recorded] })
    }
    return declared
  } finally {
    hooks.deregister()
  }
}
