// One test project per package and for the kill campaign, all resolving workspace packages to their sources, so tests need no build.
import { globSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { defaultServerConditions, type Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { ablations } from './scripts/ablations.ts'

// Setting conditions replaces Vite's defaults, so they are named again.
const conditions = ['@syndikit/source', ...defaultServerConditions]

/** `npm run ablate`: loads one file with a safeguard switched off. */
const ablate = (safeguard: string): Plugin => {
  const ablation = ablations.find((one) => one.safeguard === safeguard)
  if (!ablation) throw new TypeError(`No safeguard is called "${safeguard}".`)
  return {
    name: `ablate ${safeguard}`,
    enforce: 'pre',
    transform: (code, id) => {
      if (id.split('?')[0] !== resolve(ablation.file)) return undefined
      if (code.split(ablation.find).length !== 2) throw new Error(`The ablation "${safeguard}" does not find its line in ${ablation.file}.`)
      return code.replace(ablation.find, ablation.replace)
    },
  }
}
const { SYNDIKIT_ABLATE } = process.env

export default defineConfig({
  plugins: SYNDIKIT_ABLATE ? [ablate(SYNDIKIT_ABLATE)] : [],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Of two cores vitest would leave one idle.
    maxWorkers: '100%',
    // A busy machine is no reason to fail: nothing here is a test of speed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What was transformed without a safeguard must not be found by the next run.
    fsModuleCache: SYNDIKIT_ABLATE === undefined,
    projects: globSync(['packages/{*,adapters/*}/package.json', 'examples/*/package.json', 'scripts/prove/test']).map((file) => ({
      extends: true as const,
      test: { name: basename(dirname(file)), root: dirname(file), include: ['test/**/*.test.ts'] },
    })),
    coverage: { provider: 'v8', include: ['packages/**/src/**/*.ts'] },
  },
})
