// What a package costs whoever imports it.

import { execFileSync } from 'node:child_process'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'

/** Minified and compressed with brotli: the package and its dependencies, or the package alone; adapters and drivers without core, which is there anyway. */
export const sizeKb = async (name: string, dependencies: boolean): Promise<number> => {
  const core = name === '@syndikit/core'
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${name}'`, resolveDir: '.' },
    external: core ? [] : ['@syndikit/core'],
    conditions: ['@syndikit/source'],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    write: false,
    ...(!dependencies && {
      plugins: [
        { name: 'own', setup: ({ onResolve }) => void onResolve({ filter: /^[^./]/ }, ({ path }) => (path === name ? undefined : { path, external: true })) },
      ],
    }),
  })
  return brotliCompressSync(outputFiles[0]?.contents ?? '').length / 1000
}

const samples = 7

/** The median import of the built package in a fresh process, with the start of Node taken off. */
export const importMs = (name: string): number => {
  const code = `const from = performance.now(); await import('${name}'); console.log(performance.now() - from)`
  const times = Array.from({ length: samples }, () => Number(execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' })))
  return times.sort((a, b) => a - b)[Math.floor(samples / 2)] as number
}
