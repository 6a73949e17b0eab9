/**
 * Peers as live state, and a network that is kept: each node has a directory (`dataDir`), so all of them can restart at once, without
 * a boot node, and find each other again.
 *
 *   npx tsx examples/peers.ts
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filter, firstValueFrom, map } from 'rxjs'
import { createNode, type P2pNode } from 'tinyp2p'

const listen = '/ip4/127.0.0.1/tcp/0'
const directory = await mkdtemp(join(tmpdir(), 'tinyp2p-example-'))

const start = (name: string, bootNodes: string[] = []): Promise<P2pNode> =>
  createNode({ listen, bootNodes, dataDir: join(directory, name) })

const alice = await start('alice')
const bob = await start('bob', alice.addresses)

// Each change of one peer: discovered, dialling, connected, identified, unreachable.
bob.peer$(alice.peerId).subscribe({
  next: ({ state, lastError }) =>
    console.log(`bob sees alice: ${state}${lastError === undefined ? '' : `, ${lastError}`}`),
  complete: () => console.log('bob has stopped'),
})
await bob.online()

// All peers, now and after every change: here until the way to one of them is measured.
const measured$ = bob.peers$.pipe(map((peers) => peers.find(({ rtt }) => rtt !== undefined)))
const measured = await firstValueFrom(measured$.pipe(filter((peer) => peer !== undefined)))
console.log(`the way to ${measured.peer === alice.peerId ? 'alice' : measured.peer} is measured`)

await Promise.all([alice.stop(), bob.stop()])

const again = await Promise.all([start('alice'), start('bob')])
await Promise.all(again.map((node) => node.online()))
console.log(
  `the same peers, without a boot node: ${again[0].peerId === alice.peerId && again[1].peerId === bob.peerId}`,
)
await Promise.all(again.map((node) => node.stop()))
await rm(directory, { recursive: true })
