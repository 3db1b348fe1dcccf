// Prints what each package costs whoever imports it, and fails when one outgrows its budget. Needs `npm run build`.
// Size: the package and its dependencies, minified and compressed with brotli; adapters and drivers without core, which is there anyway.
// Time: the median import of the built package in a fresh process, with the start of Node taken off.
import { execFileSync } from 'node:child_process'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'

type Budget = { readonly maxKb: number; readonly maxImportMs: number }

const budgets: Record<string, Budget> = {
  '@syndikit/core': { maxKb: 150, maxImportMs: 250 },
  '@syndikit/storage-sqlite': { maxKb: 20, maxImportMs: 100 },
  '@syndikit/x': { maxKb: 80, maxImportMs: 250 },
  '@syndikit/bluesky': { maxKb: 80, maxImportMs: 250 },
  '@syndikit/mastodon': { maxKb: 80, maxImportMs: 250 },
}
const samples = 7

async function sizeKb(name: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${name}'`, resolveDir: '.' },
    external: name === '@syndikit/core' ? [] : ['@syndikit/core'],
    conditions: ['@syndikit/source'],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  return brotliCompressSync(outputFiles[0]?.contents ?? '').length / 1000
}

function importMs(name: string): number {
  const code = `const from = performance.now(); await import('${name}'); console.log(performance.now() - from)`
  const times = Array.from({ length: samples }, () => Number(execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' })))
  return times.sort((a, b) => a - b)[Math.floor(samples / 2)] as number
}

for (const [name, { maxKb, maxImportMs }] of Object.entries(budgets)) {
  const kb = await sizeKb(name)
  const ms = importMs(name)
  const over = kb > maxKb || ms > maxImportMs
  if (over) process.exitCode = 1
  console.log(
    `${name.padEnd(26)} ${kb.toFixed(1).padStart(6)} of ${maxKb} kB   ${ms.toFixed(0).padStart(4)} of ${maxImportMs} ms${over ? '   over its budget' : ''}`,
  )
}
