// Finds words in prose that the documentation has another word for: one thing has one name here, in every page, table and message.
import type { Page } from './markdown.ts'

/** By the word that is used: what it is called elsewhere. */
const elsewhere: Readonly<Record<string, RegExp>> = {
  // As an option it is Prisma's own word, for a database.
  platform: /(?<![`<])\b(providers?|social networks?)\b/i,
  adapter: /\b(plug-?ins?|integrations?)\b/i,
  tenant: /\b(customers?|organi[sz]ation ids?|workspace ids?)\b/i,
  connection: /\b(channels?|(?:linked|social) accounts?)\b/i,
  delivery: /\b(?<!cron |BullMQ[ -])(jobs?|dispatch(?:es)?)\b/i,
  run: /\bexecutions?\b/i,
  step: /\b(checkpoints?|activit(?:y|ies))\b/i,
  reconcile: /\breconciliations?\b/i,
  placement: /\b(remote|external) (?:post )?ids?\b/i,
}

/** One message per word, at its line. */
export const otherWords = (pages: ReadonlyMap<string, Page>): string[] =>
  [...pages].flatMap(([file, { prose }]) =>
    prose.flatMap(({ text, line }) =>
      Object.entries(elsewhere).flatMap(([word, other]) => {
        const said = other.exec(text)?.[1]
        return said === undefined ? [] : [`${file}:${line} says "${said}": the word for it here is "${word}"`]
      }),
    ),
  )
