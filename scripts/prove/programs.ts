// The programs of the campaign, each as one file: a process that is killed every few seconds must not spend its life on loading sources.

import { join } from 'node:path'
import { build } from 'esbuild'

const names = ['host', 'worker', 'sandbox'] as const
export type Program = (typeof names)[number]

/** CommonJS among what is bundled asks for it. */
const banner = "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);"

/** Made in `folder`; answers where each is. */
export const buildPrograms = async (folder: string): Promise<(name: Program) => string> => {
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
    logLevel: 'error',
  })
  return (name) => join(folder, `${name}.mjs`)
}
