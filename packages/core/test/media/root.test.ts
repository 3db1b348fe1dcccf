import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PublishError } from '../../src/contract/error.ts'
import { type MediaOptions, mediaOpener } from '../../src/media/opener.ts'
import { systemClock } from '../../src/ports/system.ts'
import { failure } from '../ports/server.ts'
import * as files from './files.ts'

const picture = files.png(10, 20)
const openerOf = (options: MediaOptions) => mediaOpener({ ...options, clock: systemClock, fetch: () => Promise.reject(new Error('no network here')) })
const problem = async (promise: Promise<unknown>): Promise<PublishError> => {
  const error = await failure(promise)
  if (!PublishError.is(error)) throw error
  return error
}

test('with a root, paths are below it, and no spelling and no link leads out', async () => {
  const root = await files.folder()
  const outside = await files.saved(picture, 'outside.png')
  await mkdir(join(root, 'in'))
  await writeFile(join(root, 'in', 'cat.png'), picture)
  await symlink('in/cat.png', join(root, 'inner-link.png'))
  await symlink(outside, join(root, 'outer-link.png'))
  await symlink(join(outside, '..'), join(root, 'outer-folder'))
  await symlink(root, `${root}-alias`)
  const opener = openerOf({ root })
  for (const file of ['in/cat.png', './in/../in/cat.png', join(root, 'in/cat.png'), 'inner-link.png'])
    expect((await opener.probe({ file })).width, file).toBe(10)
  expect((await openerOf({ root: `${root}-alias` }).probe({ file: 'in/cat.png' })).width).toBe(10)
  await rm(`${root}-alias`)
  const escapes = [
    '../x',
    '/etc/passwd',
    outside,
    'in/../../x',
    'outer-link.png',
    'outer-folder/outside.png',
    `${root}-twin/cat.png`,
    '.',
    '',
    '/nowhere',
    'in/cat.png/../../../etc/passwd',
  ]
  for (const file of escapes) {
    const error = await problem(opener.probe({ file }))
    expect([error.code, error.message.includes('lies outside of the folder that `media.root` allows')], `${file}: ${error.message}`).toEqual(['media', true])
  }
  expect((await problem(opener.probe({ file: 'in' }))).message).toContain('is a folder')
  expect((await problem(opener.probe({ file: 'in/none.png' }))).message).toContain('does not exist')
  expect((await problem(openerOf({ root: join(root, 'none') }).probe({ file: 'a' }))).code).toBe('setup')
})
