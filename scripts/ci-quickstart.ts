// Validates what `npm run --silent quickstart -- --json` prints, read from standard input: one JSON object in which
// `problems` is an array and `deliveries` holds three, each published at an address of its own.
import { ok, strictEqual } from 'node:assert/strict'
import { text } from 'node:stream/consumers'

type Report = {
  readonly problems?: unknown
  readonly deliveries?: ReadonlyArray<{ readonly platform?: unknown; readonly status?: unknown; readonly url?: unknown }>
}

const printed = await text(process.stdin)
console.log(printed)
const { problems, deliveries = [] } = JSON.parse(printed) as Report

ok(Array.isArray(problems), '`problems` is not an array')
strictEqual(deliveries.length, 3, 'expected three deliveries')
for (const { platform, status } of deliveries) strictEqual(status, 'published', `the delivery to ${platform} was not published`)
strictEqual(new Set(deliveries.map(({ url }) => new URL(String(url)).href)).size, 3, 'expected three different addresses')
