// What X takes, as far as it says so.

import type { Account, Json, Limits } from '@syndikit/core'
import { weightedLength } from './text.ts'

const mib = 1024 * 1024
const minuteMs = 60_000

const limitsOf = (weight: number): Limits => ({
  text: { text: [{ max: weight, count: { name: 'weighted characters', of: weightedLength } }] },
  parts: 25, // of X's own editor; of the API unverified
  media: {
    atMost: 4,
    mix: 'one-type',
    alt: { max: 1000, count: 'code-points' },
    types: {
      // 15 MB is for GIFs; other pictures have 5 (see check.ts). That X's MB is 1,048,576 bytes is unverified.
      image: { atMost: 4, bytes: 15 * mib, mimes: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'] },
      // The page says 1280x1024 at most, and recommends 720x1280 and speaks of 1080p below: the larger figures stand here, the processing has the last word.
      video: {
        atMost: 1,
        bytes: 512 * mib,
        mimes: ['video/mp4', 'video/quicktime'],
        width: [32, 1920],
        height: [32, 1920],
        ratio: [1 / 3, 3],
        durationMs: [500, 140_000],
      },
    },
  },
  poll: { options: [2, 4], option: { max: 25, count: 'code-points' }, durationMs: [5 * minuteMs, 10_080 * minuteMs], withMedia: false },
  source: 'https://docs.x.com/x-api/media/quickstart/best-practices, https://docs.x.com/fundamentals/counting-characters, openapi.json 2.167',
  checkedAt: '2026-11-20',
})
const usual = limitsOf(280)
const long = limitsOf(25_000) // unverified

const hasPremium = (account: Account | undefined): boolean => /^Premium/.test(String((account?.facts as { subscription?: Json } | undefined)?.subscription))

/** By the account, where the app lets accounts with Premium write long posts. */
export const limitsFor =
  (longPosts: boolean) =>
  (account: Account | undefined): Limits =>
    longPosts && hasPremium(account) ? long : usual
