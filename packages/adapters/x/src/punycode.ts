// Whether a domain fits the DNS once it is encoded (RFC 3492). Node's own converter also maps and validates names, which X does not before it counts.

const MAX_LABEL_LENGTH = 63
const PREFIX_LENGTH = 'xn--'.length

const BASE = 36
const FIRST_POINT = 128
const FIRST_BIAS = 72
const FIRST_DAMP = 700
const SKEW = 38
const T_MAX = 26
const T_MIN = 1

/** Whether each label of `domain` is at most 63 characters long in its encoded form. */
export const isEncodable = (domain: string): boolean => domain.split('.').every((label) => encodedLength(label) <= MAX_LABEL_LENGTH)

/** The length of a label in its encoded form; no more than a lower bound above 63. */
const encodedLength = (label: string): number => {
  const parts = label.split(/[\u3002\uFF0E\uFF61]/)
  return parts.reduce((length, part) => length + partLength(part), parts.length - 1)
}

const partLength = (text: string): number => {
  const points = Array.from(text, (char) => char.codePointAt(0) ?? 0)
  const basic = points.filter((point) => point < FIRST_POINT).length
  // Each code point takes at least one character, and encoding takes quadratic time.
  if (basic === points.length || points.length > MAX_LABEL_LENGTH) return points.length
  return PREFIX_LENGTH + (basic > 0 ? basic + 1 : 0) + digitsOf(points, basic)
}

/** How many digits stand for the code points beyond ASCII. */
const digitsOf = (points: readonly number[], basic: number): number => {
  let count = 0
  let done = basic
  let delta = 0
  let bias = FIRST_BIAS
  for (let point = FIRST_POINT; done < points.length; point++, delta++) {
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
  for (let k = BASE; ; k += BASE, count++) {
    const threshold = Math.min(Math.max(k - bias, T_MIN), T_MAX)
    if (rest < threshold) return count
    rest = Math.floor((rest - threshold) / (BASE - threshold))
  }
}

const adapt = (delta: number, points: number, first: boolean): number => {
  let rest = Math.floor(delta / (first ? FIRST_DAMP : 2))
  rest += Math.floor(rest / points)
  let k = 0
  for (; rest > ((BASE - T_MIN) * T_MAX) / 2; k += BASE) rest = Math.floor(rest / (BASE - T_MIN))
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + SKEW))
}
