// Where a host's Prisma set-up looks for its schema and its migrations. Reads, decides, writes nothing.

import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { type Provider, providers } from '../provider.ts'
import { hasModels } from './models.ts'

/** What there is, as paths from the root of the file system. */
export interface Place {
  /** Where our models are or go; it may not exist yet. */
  readonly file: string
  readonly migrations: string
  readonly provider: Provider
}

const configs = ['prisma.config', '.config/prisma'].flatMap((name) => ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((ending) => `${name}.${ending}`))
const usual = ['prisma/schema.prisma', 'schema.prisma']

const quoted = /^\s*(['"`])((?:(?!\1)[^\\\n$])*)\1\s*(?=[,})\n;]|$)/
const joined = /^\s*(?:path\.)?(?:join|resolve)\(\s*(?:(?:import\.meta\.dirname|__dirname|process\.cwd\(\))\s*,\s*)?((?:\s*(['"`])[^'"`\\$]*\2\s*,?)+)\)/

/** A path as it stands in a program, where it stands there as a text or as `path.join` of texts. */
const pathIn = (program: string): string | undefined => {
  const text = quoted.exec(program)?.[2]
  if (text !== undefined) return text
  const parts = joined.exec(program)?.[1]
  return parts === undefined ? undefined : join(...Array.from(parts.matchAll(/['"`]([^'"`]*)['"`]/g), ([, part = '']) => part))
}

interface Config {
  readonly schema?: string
  readonly migrations?: string
}

const withoutComments = (program: string): string => program.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s{,;])\/\/.*$/gm, '$1')

const readConfig = (root: string): Config => {
  const name = configs.find((candidate) => existsSync(join(root, candidate)))
  if (name === undefined) return {}
  const program = withoutComments(readFileSync(join(root, name), 'utf8'))
  const at = /\bschema\s*:/.exec(program)
  const schema = at ? pathIn(program.slice(at.index + at[0].length)) : undefined
  if (at && schema === undefined) throw new TypeError(`${name}: where its \`schema\` lies cannot be read without running it. Name it: add --schema PATH.`)
  const under = /\bmigrations\s*:\s*\{[^}]*?\bpath\s*:/.exec(program)
  const migrations = under ? pathIn(program.slice(under.index + under[0].length)) : undefined
  if (under && migrations === undefined)
    throw new TypeError(`${name}: where its \`migrations.path\` lies cannot be read without running it. Name it: add --migrations PATH.`)
  return { ...(schema !== undefined && { schema }), ...(migrations !== undefined && { migrations }) }
}

const readPackage = (root: string): string | undefined => {
  const file = join(root, 'package.json')
  if (!existsSync(file)) return undefined
  const { prisma } = JSON.parse(readFileSync(file, 'utf8')) as { prisma?: { schema?: unknown } }
  return typeof prisma?.schema === 'string' ? prisma.schema : undefined
}

const schemaPath = (root: string, given: string | undefined, config: Config): string => {
  const named = given ?? config.schema ?? readPackage(root)
  if (named !== undefined) {
    if (existsSync(resolve(root, named))) return resolve(root, named)
    throw new TypeError(`${named}: there is no such Prisma schema. Name the file or folder of your schema: add --schema PATH.`)
  }
  const found = usual.find((candidate) => existsSync(join(root, candidate)))
  if (found !== undefined) return join(root, found)
  throw new TypeError(`There is no Prisma schema in ${root}: neither ${usual.join(' nor ')}, and no prisma.config.ts names one. Name it: add --schema PATH.`)
}

const datasource = /^datasource\s+\w+\s*\{([\s\S]*?)^\s*\}/m

const providerIn = (texts: readonly string[], where: string): Provider => {
  const block = texts.map((text) => datasource.exec(text)?.[1]).find((found) => found !== undefined)
  if (block === undefined)
    throw new TypeError(`${where}: it has no \`datasource\`, so the database cannot be told. Name the schema that has it: add --schema PATH.`)
  const named = /^\s*provider\s*=\s*"(\w+)"/m.exec(block)?.[1]
  const provider = providers.find((one) => one === (named === 'postgres' ? 'postgresql' : named))
  if (provider !== undefined) return provider
  throw new TypeError(`${where}: its \`datasource\` is for ${named ?? 'a database that cannot be read from it'}; Syndikit speaks ${providers.join(', ')}.`)
}

/** @throws TypeError that says what cannot be found or read, and what to name. */
export const findPlace = (root: string, given: { readonly schema?: string | undefined; readonly migrations?: string | undefined }): Place => {
  const config = readConfig(root)
  const path = schemaPath(root, given.schema, config)
  const isFolder = statSync(path).isDirectory()
  const files = isFolder ? globSync('**/*.prisma', { cwd: path }).map((name) => join(path, name)) : [path]
  const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))
  const provider = providerIn([...texts.values()], relative(root, path) || path)
  const ours = [...texts].find(([, text]) => hasModels(text))?.[0]
  const migrations = given.migrations ?? config.migrations
  return {
    file: ours ?? (isFolder ? join(path, 'syndikit.prisma') : path),
    provider,
    migrations: migrations === undefined ? join(isFolder ? path : dirname(path), 'migrations') : resolve(root, migrations),
  }
}
