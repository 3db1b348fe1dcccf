// The kill campaign: an app process that schedules, worker processes that send, and everything that can happen to them and their servers, against a sandbox
// that nobody kills. In the end its own count is held against what the app says.
//
//   npm run prove -- --storage sqlite --queue in-process --class look-up --minutes 2 [--seed N] [--json]
import { rmSync } from 'node:fs'
import { campaignOf, usage } from './prove/arguments.ts'
import { runCampaign } from './prove/campaign.ts'

const main = async (): Promise<number> => {
  const campaign = campaignOf(process.argv.slice(2))
  if (campaign === undefined) {
    console.log(usage)
    return 0
  }
  const { figures, clean, folder } = await runCampaign(campaign, (line) => console.error(line))
  console.log(campaign.json ? JSON.stringify(figures) : figures)
  if (clean) rmSync(folder, { recursive: true, force: true })
  else console.error(`The log, the journal and what is kept in files are in ${folder}`)
  return clean ? 0 : 1
}

// By a signal too nothing stays behind: processes and servers end with this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  process.exit(await main())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(2)
}
