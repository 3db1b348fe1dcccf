// What changes in a text, line by line.

/** Lengths of the longest common rest, from every pair of lines on. */
const commonRests = (before: readonly string[], after: readonly string[]): number[][] => {
  const rests = Array.from({ length: before.length + 1 }, () => Array<number>(after.length + 1).fill(0))
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) {
      const row = rests[i] as number[]
      row[j] = before[i] === after[j] ? (rests[i + 1]?.[j + 1] ?? 0) + 1 : Math.max(rests[i + 1]?.[j] ?? 0, row[j + 1] ?? 0)
    }
  return rests
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/))

/** Removed lines with `-`, added ones with `+`; each run of lines that stay is one `…`. */
export const diff = (before: string, after: string): string => {
  const [old, made] = [linesOf(before), linesOf(after)]
  const rests = commonRests(old, made)
  const out: string[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < made.length) {
    if (i < old.length && j < made.length && old[i] === made[j]) {
      if (out.at(-1) !== '  …') out.push('  …')
      i++
      j++
    } else if (j >= made.length || (i < old.length && (rests[i + 1]?.[j] ?? 0) >= (rests[i]?.[j + 1] ?? 0))) out.push(`- ${old[i++]}`)
    else out.push(`+ ${made[j++]}`)
  }
  return out.join('\n')
}
