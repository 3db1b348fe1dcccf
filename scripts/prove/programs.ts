// The programs of the campaign, each as one file: a process that is killed every few seconds must not spend its life on loading sources.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const names = ['host', 'worker', 'sandbox'] as const
export type Program = (typeof names)[number]

/** CommonJS among what is bundled asks for it. */
const banner = "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);"

/** Loaded as they are: the drivers look for them beside themselves. */
const external = ['bullmq', 'ioredis', 'pg']

/** Answers where each is, as long as this process lives. */
export const buildPrograms = async (): Promise<(name: Program) => string> => {
  // Below the workspace's packages, so that what is not bundled is found.
  const cache = join(import.meta.dirname, '../../node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'prove-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await build({
    entryPoints: names.map((name) => join(import.meta.dirname, `${name}.ts`)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    conditions: ['@syndikit/source'],
    banner: { js: banner },
    external,
    logLevel: 'error',
  })
  return (name) => join(folder, `${name}.mjs`)
}
