// Instants in words. The page's script says the same again in the reader's own time zone.

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const
const words = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** "3 min ago", "in 2h", "now". */
export function relative(at: number, now: number): string {
  const distance = at - now
  for (const [unit, ms] of units) if (Math.abs(distance) >= ms) return words.format(Math.trunc(distance / ms), unit)
  return 'now'
}

/** "20 Nov 2026, 14:32 UTC". */
export const absolute = (at: number): string => `${full.format(at)} UTC`
