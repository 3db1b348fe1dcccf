// Builds one package: run in its folder. The entries are what its package.json exports and its commands.
import { readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

const { exports, bin = {} } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, { '@syndikit/source'?: string }>
  bin?: Record<string, string>
}
const sourceOf = (built: string) => built.replace('./dist/', './src/').replace(/\.js$/, '.ts')

export default defineConfig({
  entry: [...Object.values(exports).flatMap((target) => target['@syndikit/source'] ?? []), ...Object.values(bin).map(sourceOf)],
  format: 'esm',
  target: 'node22',
  dts: true,
  clean: true,
  sourcemap: true,
  removeNodeProtocol: false, // the default turns node:sqlite into sqlite, which does not exist
  esbuildOptions: (options) => {
    options.alias = { punycode: 'punycode/punycode.js' } // twitter-text, bundled into X's emulator, means the package; Node has a deprecated module of that name
  },
})
