/**
 * Free ports (`tcp/0`) that stay the same over restarts: peers look for a node where it was. A port that another program has taken
 * meanwhile is given up for any other one.
 */
import { createServer } from 'node:net'
import { ipOf, isAnyPort } from '../core/peers/addresses.js'

/** The addresses of `listen`, with the port that each had, if it is free now. No two addresses get one port. */
export async function withLastPorts(listen: string[], ports: Readonly<Record<string, number>>): Promise<string[]> {
  const taken = new Set(listen.map(portOf))
  const addresses: string[] = []
  for (const address of listen) {
    const port = isAnyPort(address) ? ports[address] : undefined
    if (port === undefined || taken.has(port) || !(await isFree(ipOf(address), port))) {
      addresses.push(address)
    } else {
      taken.add(port)
      addresses.push(address.replace(/0$/, `${port}`))
    }
  }
  return addresses
}

/** The free ports that they have got. `bound`: where the node listens, by the addresses of `listen`. */
export function portsOf(listen: string[], bound: readonly (readonly string[] | undefined)[]): Record<string, number> {
  const ports: Record<string, number> = {}
  listen.forEach((address, index) => {
    const [one] = bound[index] ?? []
    if (one !== undefined && isAnyPort(address)) ports[address] = portOf(one)
  })
  return ports
}

function portOf(address: string): number {
  return Number(address.split('/')[4])
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    // (As libp2p does: the same port of IPv4 is another one.)
    server.listen({ host, port, ipv6Only: true }, () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
