// Which server programs this machine has.

import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** By kind: the program that has to be there, where Debian hides it from PATH, and the package that brings it. */
const kinds = {
  postgres: { program: 'postgres', folders: '/usr/lib/postgresql/*/bin', debian: 'postgresql' },
  redis: { program: 'redis-server', folders: '', debian: 'redis-server' },
  mariadb: { program: 'mariadbd', folders: '/usr/sbin', debian: 'mariadb-server' },
} as const
/** A server that can be started, if the machine has it. */
export type Kind = keyof typeof kinds

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const foldersOf = (kind: Kind): string[] => {
  const hidden = kinds[kind].folders
  // The newest version first.
  return [...(process.env.PATH ?? '').split(delimiter), ...(hidden === '' ? [] : globSync(hidden).toSorted().reverse())]
}

/** The path of a program that belongs to this kind of server. */
export const programOf = (kind: Kind, program: string = kinds[kind].program): string => {
  const found = foldersOf(kind)
    .map((folder) => join(folder, program))
    .find(isProgram)
  if (found === undefined) throw new Error(`${program} is not on this machine. Install the Debian package ${kinds[kind].debian}.`)
  return found
}

/**
 * What to tell where a server cannot be started, or undefined where it can.
 * @throws where `CI` is set: there nothing may be skipped.
 */
export const missing = (kind: Kind): string | undefined => {
  try {
    programOf(kind)
    return undefined
  } catch (error) {
    if (process.env.CI) throw error
    return `skipped: ${error instanceof Error ? error.message : kind}`
  }
}
