// What Syndikit weighs: in bytes, in time to import, and in memory while a large file goes through. Needs `npm run build`.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { importMs, sizeKb } from '../size/measure.ts'
import type { Figure } from './figures.ts'
import type { Asked } from './options.ts'

const adapters = ['x', 'bluesky', 'mastodon']
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const flags = ['--conditions=@syndikit/source']

const videoMb = async (): Promise<number> => {
  const sandbox = spawn(process.execPath, [...flags, here('../../packages/sandbox/src/cli.ts'), '--port', '0', '--json', '--exit-with-parent'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(createInterface(sandbox.stdout), 'line')) as [string]
    const { url } = JSON.parse(line) as { url: string }
    return Number(execFileSync(process.execPath, [...flags, here('video.ts'), url], { encoding: 'utf8' }))
  } finally {
    sandbox.stdin.end()
  }
}

export const footprintSuite = async ({ say }: Asked): Promise<Figure[]> => {
  if (!existsSync('packages/core/dist')) throw new Error('There is no packages/core/dist. Run `npm run build` first.')
  const [all, own] = [await sizeKb('@syndikit/core', true), await sizeKb('@syndikit/core', false)]
  say(`core ${all.toFixed(1)} kB, ${own.toFixed(1)} of it its own`)
  const figures: Figure[] = [
    { what: 'import of core', value: importMs('@syndikit/core'), unit: 'ms', atMost: 60 },
    { what: 'core with its dependencies, brotli', value: all, unit: 'kB', atMost: 130 },
    { what: "core's dependencies, brotli", value: all - own, unit: 'kB', atMost: 100 },
  ]
  for (const name of adapters) {
    const kb = await sizeKb(`@syndikit/${name}`, false)
    figures.push({ what: `adapter ${name} without its dependencies, brotli`, value: kb, unit: 'kB', atMost: 10 })
  }
  const mb = await videoMb()
  say(`a video of 500 MB raises resident memory by ${mb.toFixed(0)} MB`)
  return [...figures, { what: 'resident memory above the start, while a video of 500 MB goes to X', value: mb, unit: 'MB', atMost: 96 }]
}
