// What a figure was measured with.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { programOf } from '../../packages/servers/src/programs.ts'

const versionOf = (name: string): string => (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version

const said = (command: string, pattern: RegExp): string => pattern.exec(execFileSync(command, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown'

export const versions = (): Readonly<Record<string, string>> => ({
  node: process.versions.node,
  sqlite: process.versions.sqlite ?? 'unknown',
  PostgreSQL: said(programOf('postgres'), /(\d+\.\d+)/),
  Redis: said(programOf('redis'), /v=(\S+)/),
  ...Object.fromEntries(['bullmq', 'pg-boss', 'graphile-worker', 'pg'].map((name) => [name, versionOf(name)])),
})
