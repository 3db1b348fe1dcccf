// Parts of docs/how-it-works.md that are the engine's own tables: the states, the error rules, the pauses.
import { errorRules, type Rule } from '../../packages/core/src/engine/error-rules.ts'
import { defaultGiveUpAfterMs, defaultMaxLatenessMs, defaultRetryAfterMs, lookAgainAfterMs } from '../../packages/core/src/engine/next-step.ts'
import { transitions } from '../../packages/core/src/engine/states.ts'

/** A Mermaid diagram of every move that a delivery can make. */
export const states = (): string => {
  const moves = Object.entries(transitions).flatMap(([from, all]) => all.map((to) => `  ${from} --> ${to}`))
  const ends = Object.entries(transitions).flatMap(([state, to]) => (to.length === 0 ? [`  ${state} --> [*]`] : []))
  return ['```mermaid', 'stateDiagram-v2', '  [*] --> scheduled', ...moves, ...ends, '```'].join('\n')
}

const meaning: Readonly<Record<Rule, string>> = {
  fail: '`failed` at once: the content, the file or the account must change',
  retry: 'the next pause of the retry plan; uses up a try. Where the platform names a wait, that wait, and no try is used up',
  wait: 'as long as the platform says, uses up no try',
  hold: 'stays `scheduled` until the account is connected again',
  'prepare-again': 'again at once from the last finished commit; up to three times between two commits',
  gone: 'what `unpublish` wants; `failed` for the rest',
}

export const errors = (): string =>
  [
    '| code | what core does when nothing was published |',
    '| --- | --- |',
    ...Object.entries(errorRules).map(([code, rule]) => `| \`${code}\` | ${meaning[rule]} |`),
  ].join('\n')

const minutes = (all: readonly number[]): string => all.map((ms) => ms / 60_000).join(', ')

export const pauses = (): string =>
  [
    '| | default |',
    '| --- | --- |',
    `| pauses between tries (\`retryAfterMs\`), each up to a tenth longer | ${minutes(defaultRetryAfterMs)} min: ${defaultRetryAfterMs.length + 1} tries |`,
    `| too late to go out (\`maxLatenessMs\`) | ${defaultMaxLatenessMs / 3_600_000} h |`,
    `| from the first run to a verdict (\`giveUpAfterMs\` of the adapter) | ${minutes([defaultGiveUpAfterMs])} min |`,
    `| an \`uncertain\` delivery is looked for again by itself | after ${minutes(lookAgainAfterMs)} min |`,
  ].join('\n')
