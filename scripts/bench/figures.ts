// What a bench found: figures with what they should be, printed as a table in Markdown or as JSON.

export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** What it should be at least, or at most. */
  readonly atLeast?: number
  readonly atMost?: number
  /** How it was come by: the medians behind a ratio, the rounds behind a median. */
  readonly from?: string
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** The value below which that share of the values lies. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

const round = (value: number): string => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3))))

/** Rates of several contestants, by name, one value per round. */
export type Rounds = Readonly<Record<string, readonly number[]>>

/** The median of the ratios within a round: what slows the machine down in one round slows all of that round. */
export const ratioOf = (rounds: Rounds, ours: string, theirs: string): Figure => {
  const [own, other] = [rounds[ours] ?? [], rounds[theirs] ?? []]
  return {
    what: `${ours}, times ${theirs}`,
    value: median(own.map((value, i) => value / (other[i] ?? Number.NaN))),
    unit: '×',
    from: `${round(median(own))} and ${round(median(other))} deliveries/s`,
  }
}

export const rateOf = (rounds: Rounds, who: string): Figure => ({
  what: who,
  value: median(rounds[who] ?? []),
  unit: 'deliveries/s',
  from: `rounds: ${(rounds[who] ?? []).map(round).join(', ')}`,
})

export const holds = ({ value, atLeast, atMost }: Figure): boolean => (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost)

const wanted = ({ atLeast, atMost }: Figure): string => (atLeast !== undefined ? `≥ ${atLeast}` : atMost !== undefined ? `≤ ${atMost}` : '')

export const tableOf = (figures: readonly Figure[]): string =>
  [
    '| figure | value | wanted | holds | from |',
    '| --- | --- | --- | --- | --- |',
    ...figures.map((figure) => {
      const target = wanted(figure)
      return `| ${figure.what} | ${round(figure.value)} ${figure.unit} | ${target} | ${target === '' ? '' : holds(figure) ? 'yes' : 'no'} | ${figure.from ?? ''} |`
    }),
  ].join('\n')
