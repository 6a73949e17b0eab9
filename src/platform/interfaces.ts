/** The network interfaces of this machine. */
import { networkInterfaces } from 'node:os'

/** The IP addresses of this machine. */
export function interfaceAddresses(): Set<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return new Set(all.map(({ address }) => address))
}
