// Checks the packages as npm would ship them: each tarball is linted, then a scratch consumer outside the workspace installs
// them all, imports every entry, type-checks strictly under both module resolutions and runs scripts/pack-check/consumer.ts.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

type Versions = Readonly<Record<string, string>>
type Package = {
  readonly name: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly peerDependencies?: Versions
  readonly peerDependenciesMeta?: object
}

const read = (command: string, args: readonly string[]) => execFileSync(command, args, { encoding: 'utf8' })
const { devDependencies: versions } = JSON.parse(readFileSync('package.json', 'utf8')) as { devDependencies: Versions }

/** Packs one package and lints the tarball: the files its exports name are there, and their types resolve. */
function pack(name: string, folder: string): string {
  const packed = JSON.parse(read('npm', ['pack', '--json', '--pack-destination', folder, '--workspace', name])) as Record<string, { filename: string }>
  const tarball = join(folder, Object.values(packed)[0]?.filename ?? '') // npm 11 answers an array, npm 12 an object
  execFileSync('publint', ['--strict', tarball], { stdio: 'inherit' }) // literal names: knip counts them as used
  execFileSync('attw', ['--profile', 'esm-only', '--format', 'ascii', tarball], { stdio: 'inherit' })
  return tarball
}

/** Writes and installs a project of somebody who uses every package. */
function createConsumer(folder: string, packages: readonly Package[], tarballs: readonly string[]): void {
  mkdirSync(folder)
  const compilerOptions = {
    target: 'ES2023',
    lib: ['ES2023'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    noEmit: true,
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  writeFileSync(join(folder, 'entries.ts'), packages.flatMap(entriesOf).join('\n'))
  copyFileSync('scripts/pack-check/consumer.ts', join(folder, 'consumer.ts'))
  const others = [...packages.flatMap(optionalPeersOf), `@types/node@${versions['@types/node']}`]
  execFileSync('npm', ['install', '--no-audit', '--no-fund', ...tarballs, ...others], { cwd: folder, stdio: 'inherit' })
}

/** npm leaves these out by itself, and some entries are only for those who have them. */
const optionalPeersOf = ({ peerDependencies = {}, peerDependenciesMeta = {} }: Package) =>
  Object.keys(peerDependenciesMeta).flatMap((name) => (name.startsWith('@syndikit/') ? [] : [`${name}@${peerDependencies[name]}`]))

const entriesOf = ({ name, exports }: Package, index: number) =>
  Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path, entry) => `export * as entry_${index}_${entry} from '${join(name, path)}'`)

/** Declarations are checked too, but only ours count: those of some dependencies want the DOM. */
function typeCheck(folder: string, module: string, moduleResolution: string): void {
  const args = ['--module', module, '--moduleResolution', moduleResolution, '--skipLibCheck', 'false', '--pretty', 'false']
  const { stdout, status, error } = spawnSync('tsc', args, { cwd: folder, encoding: 'utf8' })
  if (error) throw error
  const ours = stdout.split('\n').filter((line) => /^(node_modules\/@syndikit\/|[^/]+\.ts\(|error )/.test(line))
  if (ours.length > 0) throw new Error(`The packed types do not compile with ${moduleResolution}:\n${ours.join('\n')}`)
  console.log(`types compile with ${moduleResolution}${status === 0 ? '' : ` (of dependencies, ignored: ${stdout.trim().split('\n').length} lines)`}`)
}

const folder = mkdtempSync(join(tmpdir(), 'syndikit-pack-'))
try {
  const packages = JSON.parse(read('npm', ['query', '.workspace:not([private])'])) as Package[]
  const tarballs = packages.map(({ name }) => pack(name, folder))
  const consumer = join(folder, 'consumer')
  createConsumer(consumer, packages, tarballs)
  typeCheck(consumer, 'nodenext', 'nodenext')
  typeCheck(consumer, 'esnext', 'bundler')
  execFileSync(process.execPath, ['entries.ts'], { cwd: consumer, stdio: 'inherit' })
  execFileSync(process.execPath, ['consumer.ts'], { cwd: consumer, stdio: 'inherit' })
  console.log(`${packages.length} packages install, compile and run outside the workspace`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
