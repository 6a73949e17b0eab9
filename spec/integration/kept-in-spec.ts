/** What must not leave a node: secrets, paths and stacks in what others, a log and a recording get; what was said, in what the line carries. */
import { afterEach, expect, it } from '@jest/globals'
import { createServer, createConnection, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { createNode, newNetworkKey, newSecret, type LogEntry, type NodeConfig, type P2pNode } from 'tinyp2p'
import { peerIdOf } from '../../src/identity.js'
import { bytes, LOOPBACK, text } from '../support/nodes.js'
import { failure } from '../support/promises.js'

const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
})

async function start(config: NodeConfig = {}): Promise<P2pNode> {
  const node = await createNode({ listen: LOOPBACK, ...config })
  ends.push(() => node.stop())
  return node
}

/** Both forms of a key: as it is written, and its bytes. */
const formsOf = (key: string, raw: Uint8Array): Buffer[] => {
  const hex = Buffer.from(raw).toString('hex')
  return [key, hex].map((form) => Buffer.from(form)).concat(Buffer.from(raw))
}

it('the secret and the network key are in no log, no explanation, no error and no recording, nor is a path or a stack in what a peer gets', async () => {
  const [secret, networkKey] = [newSecret(), newNetworkKey()]
  const written: Buffer[] = []
  const record = { write: (chunk: Uint8Array) => void written.push(Buffer.from(chunk)) }
  const logged: LogEntry[] = []
  const logger = (entry: LogEntry) => void logged.push(entry)
  const rawKey = Buffer.from(networkKey.split('\n')[2]!, 'hex')
  const a = await start({ secret, record, logger, access: { networkKey } })
  const b = await start({ access: { networkKey } })
  const stranger = await start({ access: { networkKey: newNetworkKey() } })
  a.setEventHandler({
    handleInboundRequest: () => {
      throw new Error(`cannot read ${process.cwd()}/${secret}`)
    },
  })
  const refused = await failure(b.request(a.addresses[0]!, bytes('?')))
  const cannot = await failure(a.dial(stranger.addresses[0]!))
  const told = [a.peerId, b.peerId, stranger.peerId].map((peer) => a.explain(peer))
  const shown = inspect([await Promise.all(told), await a.status(), cannot], { depth: 9 })
  await a.stop()
  expect(refused).toMatchObject({ code: 'RequestRejected' })
  const atPeer = `${(refused as Error).message} ${inspect((refused as Error).cause)}`
  expect(atPeer).not.toContain(process.cwd())
  expect(atPeer).not.toContain('cannot read')
  // What the handler says itself is in our log, with its stack.
  const ours = logged.filter(({ message }) => !message.includes('the handler failed'))
  expect(logged.length).toBeGreaterThan(ours.length)
  const all = Buffer.concat([...written, Buffer.from(`${shown} ${inspect(ours)}`)])
  const { base58btc } = await import('multiformats/bases/base58')
  const raw = base58btc.decode(`z${secret}`)
  expect(await peerIdOf(raw)).toBe(a.peerId)
  for (const form of [...formsOf(secret, raw), ...formsOf(networkKey, rawKey)]) expect(all.includes(form)).toBe(false)
  expect(Buffer.concat(written).includes(Buffer.from(process.cwd()))).toBe(false)
}, 20_000)

it('requests and answers are encrypted between the two peers', async () => {
  const b = await start()
  b.setEventHandler({ handleInboundRequest: () => bytes('the answer of nobody else') })
  const port = Number(b.addresses[0]!.split('/')[4])
  const seen: Buffer[] = []
  const relay = createServer((near) => {
    const far = createConnection(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => seen.push(chunk)).on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  ends.push(async () => relay.close())
  const a = await start()
  const way = `/ip4/127.0.0.1/tcp/${(relay.address() as AddressInfo).port}/p2p/${b.peerId}`
  expect(text(await a.request(way, bytes('a question to nobody else')))).toBe('the answer of nobody else')
  const all = Buffer.concat(seen)
  expect(all.length).toBeGreaterThan(500)
  expect([all.includes('nobody else'), all.includes(b.peerId), all.includes('/tinyp2p')]).toEqual([false, false, false])
}, 20_000)
