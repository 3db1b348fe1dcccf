// The process of the sandbox: the emulated platform as a server. Nobody kills it, so what it counts is the truth.

import { createSandbox, serveSandbox } from '@syndikit/sandbox'
import { type Class, classes } from './classes.ts'
import { campaignSandbox } from './platform.ts'

const door = process.argv[2] as Class
if (!classes.includes(door)) throw new Error(`${door} is no recovery class.`)

const sandbox = createSandbox({ platforms: [campaignSandbox(door)] })
const server = await serveSandbox(sandbox)
process.on('message', () => process.send?.({ shown: sandbox.shown(), fired: sandbox.faults.log.length }))
process.once('disconnect', () => process.exit(0))
process.send?.({ url: server.url })
