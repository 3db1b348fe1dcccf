// Which network addresses are public. Decides, connects to nothing.

import ip from 'ipaddr.js'

/** Public by the registries, but the host of a cloud answers there: Azure's WireServer. */
const cloudInternal = new Set(['168.63.129.16'])

const globalUnicast: [ip.IPv6, number] = ip.IPv6.parseCIDR('2000::/3')

/** The IPv4 address that this IPv6 address is another spelling of, or reaches through a translator. */
const embedded = (address: ip.IPv6): ip.IPv4 | undefined => {
  const bytes = address.toByteArray()
  const v4 = (from: number) => new ip.IPv4(bytes.slice(from, from + 4))
  switch (address.range()) {
    case 'ipv4Mapped':
      return address.toIPv4Address()
    case '6to4':
      return v4(2)
    case 'rfc6052':
      // Only the well-known /96 has one place for the address; the local-use prefix is refused as it stands.
      return address.match(ip.IPv6.parseCIDR('64:ff9b::/96')) ? v4(12) : undefined
    default:
      return undefined
  }
}

/**
 * `undefined` for an address of the public internet; else what it is, in a word or two: `loopback`, `private`, `linkLocal`.
 * IPv4-mapped, NAT64 and 6to4 addresses are judged by the IPv4 address in them. Whatever is not known to be public is not.
 */
export const notPublic = (text: string): string | undefined => {
  if (!ip.isValid(text)) return 'not an IP address'
  const address = ip.parse(text)
  const inner = address instanceof ip.IPv6 ? embedded(address) : undefined
  if (inner) {
    const range = notPublic(inner.toString())
    return range && `${range}, as ${inner.toString()}`
  }
  if (cloudInternal.has(address.toString())) return 'cloud host'
  if (address instanceof ip.IPv6 && !address.match(globalUnicast)) return address.range() === 'unicast' ? 'unassigned' : address.range()
  return address.range() === 'unicast' ? undefined : address.range()
}
