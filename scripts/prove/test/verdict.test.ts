// The judge of the campaign finds everything that it is there to find.
import type { DeliveryInfo } from '@syndikit/core'
import type { Shown } from '@syndikit/sandbox'
import { expect, test } from 'vitest'
import type { Story } from '../journal.ts'
import { type Evidence, isClean, violationsOf } from '../verdict.ts'

const dueAt = new Date('2026-11-27T09:00:00Z')
const texts = ['The first part', 'The second part']

const deliveryOf = (change: Partial<DeliveryInfo> = {}): DeliveryInfo => ({
  id: 'delivery',
  tenant: 'north',
  publicationId: 'publication',
  connectionId: 'connection',
  platform: 'campaign',
  action: 'publish',
  state: 'published',
  priority: 'normal',
  dueAt,
  tries: 0,
  rev: 3,
  placement: { id: 'post-1' },
  parts: [{ id: 'post-1' }, { id: 'post-2' }],
  ...change,
})

const shownOf = (id: string, text: string, change: Partial<Shown> = {}): Shown => ({
  platform: 'campaign',
  account: 'north-1',
  id,
  text,
  media: 0,
  files: [],
  at: dueAt.getTime() + 20,
  ...change,
})
const thread = [shownOf('post-1', 'The first part'), shownOf('post-2', 'The second part', { replyTo: 'post-1' })]

const storyOf = (change: Partial<Story> = {}): Story => ({
  n: 0,
  drafts: [{ tenant: 'north', idempotencyKey: 'intent-0-0', to: ['connection'], texts, at: dueAt.toISOString() }],
  taken: [['delivery']],
  changes: [],
  ...change,
})

const judged = (change: Partial<Evidence>) =>
  violationsOf({
    door: 'look-up',
    stories: [storyOf()],
    deliveries: [deliveryOf()],
    shown: thread,
    accounts: new Map([['connection', 'north-1']]),
    ...change,
  }).map(({ kind }) => kind)

const gone = { parts: [], rev: 4, tries: 0 } as const
const withState = (state: DeliveryInfo['state']) => {
  const { placement: _, ...delivery } = deliveryOf({ ...gone, state })
  return [delivery]
}

test('what is published, there once and told by its ids is clean', () => {
  expect(judged({})).toEqual([])
})

test('a post that is there twice is a duplicate', () => {
  expect(judged({ shown: [...thread, shownOf('post-3', 'The second part', { replyTo: 'post-1' })] })).toEqual(['duplicates'])
})

test('published and not there is lost, and falsely told', () => {
  expect(judged({ shown: thread.slice(0, 1) })).toEqual(['falseStatus', 'lost'])
})

test('failed and there is falsely told; failed and not there is lost', () => {
  expect(judged({ deliveries: withState('failed') })).toEqual(['falseStatus'])
  expect(judged({ deliveries: withState('failed'), shown: [] })).toEqual(['lost'])
})

test('another id than that of the post is falsely told', () => {
  expect(judged({ deliveries: [deliveryOf({ parts: [{ id: 'post-1' }, { id: 'post-9' }] })] })).toEqual(['falseStatus'])
  expect(judged({ deliveries: [deliveryOf({ parts: [{ id: 'post-1' }] })] })).toEqual(['falseStatus'])
})

test('a part that answers another post than the one before it is falsely told', () => {
  expect(judged({ shown: [thread[0] as Shown, shownOf('post-2', 'The second part')] })).toEqual(['falseStatus'])
})

test('a post before its time is falsely told', () => {
  expect(judged({ shown: thread.map((one) => ({ ...one, at: dueAt.getTime() - 1 })) })).toEqual(['falseStatus'])
})

test('canceled and there is falsely told, and so is a cancel that was granted and not kept', () => {
  const changes = [{ deliveryId: 'delivery', change: 'cancel', status: 'done' }] as const
  expect(judged({ deliveries: withState('canceled'), stories: [storyOf({ changes })], shown: [] })).toEqual([])
  expect(judged({ deliveries: withState('canceled'), stories: [storyOf({ changes })] })).toEqual(['falseStatus'])
  expect(judged({ stories: [storyOf({ changes })] })).toEqual(['falseStatus'])
})

test('what was acknowledged and is not stored is lost', () => {
  expect(judged({ deliveries: [], shown: [] })).toEqual(['lost'])
  expect(judged({ stories: [storyOf({ taken: [[]] })], deliveries: [], shown: [] })).toEqual(['lost'])
})

test('what nobody was told of, and what belongs to nobody, is falsely told', () => {
  expect(judged({ stories: [] })).toEqual(['falseStatus', 'falseStatus', 'falseStatus'])
})

test('what was refused must not be there', () => {
  const { taken: _, ...story } = storyOf({ refused: 'invalid' })
  expect(judged({ stories: [story], deliveries: [], shown: [] })).toEqual([])
  expect(judged({ stories: [story], deliveries: [] })).toEqual(['falseStatus', 'falseStatus'])
})

test('what does not come to an end is stuck', () => {
  for (const state of ['scheduled', 'running', 'needs_action'] as const) expect(judged({ deliveries: withState(state), shown: [] })).toEqual(['stuck'])
  const { taken: _, ...story } = storyOf()
  expect(judged({ stories: [story], deliveries: [], shown: [] })).toEqual(['stuck'])
})

test('uncertain is a truth of the class blind alone', () => {
  const violations = violationsOf({
    door: 'blind',
    stories: [storyOf()],
    deliveries: withState('uncertain'),
    shown: [],
    accounts: new Map([['connection', 'north-1']]),
  })
  expect(violations.map(({ kind }) => kind)).toEqual(['uncertain'])
  expect(isClean('blind', violations)).toBe(true)
  expect(isClean('look-up', violations)).toBe(false)
})
