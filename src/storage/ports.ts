/**
 * Free ports (`tcp/0`) that stay the same over restarts: peers look for a node where it was. A port that another program has taken
 * meanwhile is given up for any other one.
 */
import { createServer } from 'node:net'
import { isUnspecified } from '../core/peers/addresses.js'

const FREE = /\/tcp\/0$/

/** The addresses of `listen`, with the port that each had, if it is free now. */
export function withLastPorts(listen: string[], ports: Readonly<Record<string, number>>): Promise<string[]> {
  return Promise.all(
    listen.map(async (address, index) => {
      const port = FREE.test(address) && listen.indexOf(address) === index ? ports[address] : undefined
      if (port === undefined || !(await isFree(hostOf(address), port))) return address
      return address.replace(FREE, `/tcp/${port}`)
    }),
  )
}

/** The ports that they have got. `listening`: where the node listens, an address for each interface. */
export function portsOf(listen: string[], listening: string[]): Record<string, number> {
  const ports: Record<string, number> = {}
  for (const address of listen.filter((one) => FREE.test(one))) {
    const [, family, host] = address.split('/')
    const start = isUnspecified(address) ? `/${family}/` : `/${family}/${host}/`
    const port = listening.find((one) => one.startsWith(start))?.split('/')[4]
    if (port !== undefined) ports[address] = Number(port)
  }
  return ports
}

function hostOf(address: string): string {
  return address.split('/')[2]!
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen({ host, port }, () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
