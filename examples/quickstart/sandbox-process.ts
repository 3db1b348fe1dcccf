// The emulated platforms: a process of their own, as real platforms are, or a sandbox that runs already.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Sandbox {
  /** The feed page is there. */
  readonly url: string
  readonly platforms: readonly { readonly platform: string; readonly hosts: readonly string[] }[]
  /** Ends the process, where we started it. */
  close(): Promise<void>
}

const connect = async (url: string, close: Sandbox['close']): Promise<Sandbox> => {
  const address = new URL('/_sandbox/health', url)
  const reply = await fetch(address, { signal: AbortSignal.timeout(5_000) })
  const { platforms } = (await reply.json()) as Pick<Sandbox, 'platforms'>
  if (!Array.isArray(platforms)) throw new Error(`${address} does not answer as a sandbox does.`)
  return { url: address.origin, platforms, close }
}

const running = async (url: string): Promise<Sandbox> => {
  if (!URL.canParse(url) || new URL(url).protocol !== 'http:') throw new Error(`--sandbox ${url} is not an address such as http://127.0.0.1:4010.`)
  try {
    return await connect(url, async () => undefined)
  } catch (cause) {
    throw new Error(`No sandbox answers at ${url}. Start one with \`npm run sandbox\`, or leave --sandbox out and one is started for you.`, { cause })
  }
}

/** The command `syndikit-sandbox`, from sources or built as this process runs. */
const command = (): string => {
  const entry = new URL(import.meta.resolve('@syndikit/sandbox'))
  return fileURLToPath(new URL(`cli${extname(entry.pathname)}`, entry))
}

const started = async (folder: string | undefined): Promise<Sandbox> => {
  const options = ['--port', '0', '--json', '--exit-with-parent', ...(folder === undefined ? [] : ['--dir', folder])]
  // It ends when its stdin closes, and so with this process, however that ends. From here it finds the emulators of the installed adapters.
  const child = spawn(process.execPath, [...process.execArgv, command(), ...options], { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let complaint = ''
  child.stderr.on('data', (text) => {
    complaint += text
  })
  const firstLine = once(createInterface(child.stdout), 'line') as Promise<[string]>
  const line = await Promise.race([firstLine.then(([text]) => text), exited.then(() => undefined)])
  if (line === undefined) throw new Error(`The sandbox did not start. ${complaint.trim()}`)
  return connect((JSON.parse(line) as { url: string }).url, async () => {
    child.stdin.end()
    await exited
  })
}

/** `folder`: where a sandbox of our own keeps what was posted. */
export const openSandbox = ({ url, folder }: { url?: string | undefined; folder?: string | undefined }): Promise<Sandbox> =>
  url === undefined ? started(folder) : running(url)
