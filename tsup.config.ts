// Builds one package: run in its folder. The entries are what its package.json exports and its commands.
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'tsup'

const { exports, bin = {} } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, { '@syndikit/source'?: string }>
  bin?: Record<string, string>
}
const sourceOf = (built: string) => built.replace('./dist/', './src/').replace(/\.js$/, '.ts')

/** Whoever gets a copy gets its licence: ours, and those of packages that went into the bundle. */
const licences = (inputs: Readonly<Record<string, unknown>>): void => {
  mkdirSync('dist', { recursive: true }) // tsup makes it later
  copyFileSync(join(import.meta.dirname, 'LICENSE'), 'dist/LICENSE')
  const bundled = new Set(Object.keys(inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
  if (bundled.size === 0) return
  const texts = [...bundled].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string }
    const file = globSync(`${folder}/LICEN[CS]E*`)[0]
    if (!file) throw new Error(`${name} is bundled and has no licence file: depend on it instead, or add its licence.`)
    return `${name} ${version}\n\n${readFileSync(file, 'utf8').trim()}\n`
  })
  writeFileSync('dist/LICENSES-OF-BUNDLED-PACKAGES', texts.join(`\n${'-'.repeat(80)}\n\n`))
}

export default defineConfig({
  entry: [...Object.values(exports).flatMap((target) => target['@syndikit/source'] ?? []), ...Object.values(bin).map(sourceOf)],
  format: 'esm',
  target: 'node22',
  dts: true,
  clean: true,
  sourcemap: true,
  removeNodeProtocol: false, // the default turns node:sqlite into sqlite, which does not exist
  esbuildPlugins: [{ name: 'licences', setup: ({ onEnd }) => onEnd(({ metafile }) => licences(metafile?.inputs ?? {})) }],
  esbuildOptions: (options) => {
    options.alias = { punycode: 'punycode/punycode.js' } // twitter-text, bundled into X's emulator, means the package; Node has a deprecated module of that name
  },
})
