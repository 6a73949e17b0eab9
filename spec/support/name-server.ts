/** A name server on loopback: of the names that it knows it tells the IPv4 address, and about the others it says nothing. */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { Names, SOURCES } from '../../src/platform/names.js'

export interface NameServer {
  /** What it was asked: a name each. */
  readonly asked: string[]
  /** Names that ask it. The system is asked as ever. */
  names(): Names
  close(): void
}

export async function nameServer(known: Record<string, string>): Promise<NameServer> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, end } = nameIn(query)
    asked.push(name)
    if (known[name] !== undefined) socket.send(answerTo(query, end, known[name]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const server = `127.0.0.1:${socket.address().port}`
  const resolver = (): Resolver => {
    const one = new Resolver({ timeout: 1_000, tries: 3 })
    one.setServers([server])
    return one
  }
  return {
    asked,
    names: () => new Names({ ...SOURCES, resolver }),
    close: () => void socket.close(),
  }
}

function nameIn(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 }
}

/** RFC 1035: the question again, and for type A one record. Of type AAAA there is none. */
function answerTo(query: Buffer, end: number, ip: string): Buffer {
  const isA = query.readUInt16BE(end - 4) === 1
  const header = Buffer.from([...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0])
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...ip.split('.').map(Number)])
  return Buffer.concat([header, query.subarray(12, end), ...(isA ? [record] : [])])
}
