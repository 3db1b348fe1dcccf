// Finds the emulators that a project has installed: packages that export `./sandbox`.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Sandbox } from './contract.ts'

interface Manifest {
  readonly exports?: Readonly<Record<string, unknown>>
}

const manifestOf = (folder: string): Manifest | undefined => {
  const path = join(folder, 'package.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : undefined
}

const ancestors = (folder: string): string[] => (dirname(folder) === folder ? [folder] : [folder, ...ancestors(dirname(folder))])

/** Names of the `@syndikit/*` packages that a project in `from` sees and that bring an emulator, in order. */
export function installedAdapters(from: string): string[] {
  const scopes = ancestors(from)
    .map((folder) => join(folder, 'node_modules', '@syndikit'))
    .filter(existsSync)
  const names = scopes.flatMap((scope) => readdirSync(scope).filter((name) => manifestOf(join(scope, name))?.exports?.['./sandbox'] !== undefined))
  return [...new Set(names)].sort().map((name) => `@syndikit/${name}`)
}

const isSandbox = (value: unknown): value is Sandbox => {
  const { platform, hosts, initial, create } = (value ?? {}) as Partial<Sandbox>
  return typeof platform === 'string' && Array.isArray(hosts) && typeof initial === 'function' && typeof create === 'function'
}

/** Loads `NAME/sandbox` as a module in `from` would. Rejects with an `Error` that names the package and the mend. */
export async function loadEmulator(name: string, from: string): Promise<Sandbox> {
  const resolve = createRequire(join(from, 'package.json')).resolve
  try {
    const { sandbox } = (await import(pathToFileURL(resolve(`${name}/sandbox`)).href)) as { sandbox?: unknown }
    if (isSandbox(sandbox)) return sandbox
  } catch (cause) {
    throw new Error(`The emulator of ${name} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  throw new Error(`${name}/sandbox does not export an emulator. It should export \`sandbox\`, made with defineSandbox of @syndikit/sandbox.`)
}
