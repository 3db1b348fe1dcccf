// One test project per package and for the kill campaign, all resolving workspace packages to their sources, so tests need no build.
import { globSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { defaultServerConditions, type Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { without } from './scripts/ablate/ablation.ts'
import { ablationOf } from './scripts/ablations.ts'

// Setting conditions replaces Vite's defaults, so they are named again.
const conditions = ['@syndikit/source', ...defaultServerConditions]

/** `npm run ablate`: loads one file with a safeguard switched off. */
const ablate = (safeguard: string): Plugin => {
  const change = without(ablationOf(safeguard))
  return { name: `ablate ${safeguard}`, enforce: 'pre', transform: (code, id) => change(id.split('?')[0] ?? id, code) }
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
