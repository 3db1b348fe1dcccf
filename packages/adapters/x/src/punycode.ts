// Whether a domain fits the DNS once it is encoded (RFC 3492). Node's own converter also maps and validates names, which X does not before it counts.

const longestLabel = 63
const prefixLength = 'xn--'.length

const base = 36
const firstPoint = 128
const firstBias = 72
const firstDamp = 700
const skew = 38
const tMax = 26
const tMin = 1

/** Whether each label of `domain` is at most 63 characters long in its encoded form. */
export const isEncodable = (domain: string): boolean => domain.split('.').every((label) => encodedLength(label) <= longestLabel)

/** The length of a label in its encoded form; no more than a lower bound above 63. */
const encodedLength = (label: string): number => {
  const parts = label.split(/[\u3002\uFF0E\uFF61]/)
  return parts.reduce((length, part) => length + partLength(part), parts.length - 1)
}

const partLength = (text: string): number => {
  const points = Array.from(text, (char) => char.codePointAt(0) ?? 0)
  const basic = points.filter((point) => point < firstPoint).length
  // Each code point takes at least one character, and encoding takes quadratic time.
  if (basic === points.length || points.length > longestLabel) return points.length
  return prefixLength + (basic > 0 ? basic + 1 : 0) + digitsOf(points, basic)
}

/** How many digits stand for the code points beyond ASCII. */
const digitsOf = (points: readonly number[], basic: number): number => {
  let count = 0
  let done = basic
  let delta = 0
  let bias = firstBias
  for (let point = firstPoint; done < points.length; point++, delta++) {
    const next = Math.min(...points.filter((other) => other >= point))
    delta += (next - point) * (done + 1)
    point = next
    for (const other of points) {
      if (other < point) delta++
      if (other !== point) continue
      count += digits(delta, bias)
      bias = adapt(delta, done + 1, done === basic)
      delta = 0
      done++
    }
  }
  return count
}

/** How many digits a delta takes as a variable-length integer. */
const digits = (delta: number, bias: number): number => {
  let count = 1
  let rest = delta
  for (let k = base; ; k += base, count++) {
    const threshold = Math.min(Math.max(k - bias, tMin), tMax)
    if (rest < threshold) return count
    rest = Math.floor((rest - threshold) / (base - threshold))
  }
}

const adapt = (delta: number, points: number, first: boolean): number => {
  let rest = Math.floor(delta / (first ? firstDamp : 2))
  rest += Math.floor(rest / points)
  let k = 0
  for (; rest > ((base - tMin) * tMax) / 2; k += base) rest = Math.floor(rest / (base - tMin))
  return k + Math.floor(((base - tMin + 1) * rest) / (rest + skew))
}
