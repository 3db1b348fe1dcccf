// Prints what each package costs whoever imports it, and fails when one outgrows its budget. Needs `npm run build`.
// Size: the package and its dependencies, minified and compressed with brotli; adapters and drivers without core, which is there anyway.
// Time: the median import of the built package in a fresh process, with the start of Node taken off.
import { importMs, sizeKb } from './size/measure.ts'

type Budget = { readonly maxKb: number; readonly maxImportMs: number }

const budgets: Record<string, Budget> = {
  '@syndikit/core': { maxKb: 150, maxImportMs: 250 },
  '@syndikit/storage-sqlite': { maxKb: 20, maxImportMs: 100 },
  '@syndikit/x': { maxKb: 80, maxImportMs: 250 },
  '@syndikit/bluesky': { maxKb: 80, maxImportMs: 250 },
  '@syndikit/mastodon': { maxKb: 80, maxImportMs: 250 },
}
for (const [name, { maxKb, maxImportMs }] of Object.entries(budgets)) {
  const kb = await sizeKb(name, true)
  const ms = importMs(name)
  const over = kb > maxKb || ms > maxImportMs
  if (over) process.exitCode = 1
  console.log(
    `${name.padEnd(26)} ${kb.toFixed(1).padStart(6)} of ${maxKb} kB   ${ms.toFixed(0).padStart(4)} of ${maxImportMs} ms${over ? '   over its budget' : ''}`,
  )
}
