// One test project per package, all resolving workspace packages to their sources, so tests need no build.
import { globSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Setting conditions replaces Vite's defaults, so they are named again.
const conditions = ['@syndikit/source', ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: globSync('packages/{*,adapters/*}/package.json').map((file) => ({
      extends: true as const,
      test: { name: basename(dirname(file)), root: dirname(file), include: ['test/**/*.test.ts'] },
    })),
    coverage: { provider: 'v8', include: ['packages/**/src/**/*.ts'] },
  },
})
