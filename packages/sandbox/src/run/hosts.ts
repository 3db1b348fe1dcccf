// Which emulator answers at a host name, decided from the names that the emulators list.

import type { Sandbox } from '../contract.ts'

/** Between a sandbox server and `sandboxFetch`: on a request, that the answer is to stay as it is; on an answer, that the server and not a platform gave it. */
export const markHeader = 'x-syndikit-sandbox'

const matches = (pattern: string, host: string): boolean => {
  const wanted = pattern.split('.')
  const given = host.split('.')
  return wanted.length === given.length && wanted.every((label, at) => label === '*' || label === given[at])
}

/** Whether one of `patterns` covers `host`. `*` stands for exactly one label. Host names are compared in lower case. */
export const coversHost = (patterns: readonly string[], host: string): boolean => patterns.some((pattern) => matches(pattern, host.toLowerCase()))

/** The sentence that every refusal of a foreign host carries. */
export const unknownHost = (host: string, known: readonly string[]): string =>
  `The sandbox does not stand in for ${host}. It knows ${known.join(', ')}. Add the platform's emulator to \`platforms\`, or send this request elsewhere.`

/** Refuses emulators that cannot live in one sandbox, naming the option and the mend. */
export function checkPlatforms(platforms: readonly Sandbox[]): void {
  if (platforms.length === 0)
    throw new TypeError('createSandbox: `platforms` is empty. Give it at least one emulator, for example `sandbox` from @syndikit/x/sandbox.')
  const owners = new Map<string, string>()
  const names = new Set<string>()
  for (const { platform, hosts } of platforms) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(platform))
      throw new TypeError(`createSandbox: platform "${platform}" may have lower-case letters, digits and hyphens only.`)
    if (names.has(platform)) throw new TypeError(`createSandbox: platform "${platform}" is given twice. Keep one of the two.`)
    names.add(platform)
    for (const host of hosts) {
      if (host !== host.toLowerCase() || !/^[a-z0-9.*-]+$/.test(host))
        throw new TypeError(`createSandbox: "${host}" of ${platform} is not a lower-case host name.`)
      const owner = owners.get(host)
      if (owner !== undefined) throw new TypeError(`createSandbox: ${owner} and ${platform} both answer at ${host}. Leave one of them out.`)
      owners.set(host, platform)
    }
  }
}
