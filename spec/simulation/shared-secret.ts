/**
 * Two processes live with one secret, and by chance say the same address of themselves: a peer of both tells them. If the older one
 * hangs or has ended, the newer one has taken its place, and nobody is told of twins.
 */
import type { P2pNode } from '../../src/node/p2p-node.js'
import { simulate } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { Violation } from './violation.js'

/** From the second connection on: how long it is watched, and how long a ping and a HELLO may take, ms. */
const TOLD = 12_000

export async function shareSecret(seed: number): Promise<void> {
  const random = new Random(`shared secret ${seed}`)
  const net = simulate({ seed, latency: 20 + random.below(80), jitter: random.below(20) })
  const reqResp = { connectionKeepAlive: 1_000 + random.below(20_000) }
  const peer = await net.createNode({ reqResp })
  const config = {
    secret: Uint8Array.from({ length: 32 }, () => random.below(256)),
    announce: random.below(2) === 0 ? [] : ['/ip4/172.17.0.2/tcp/4001'],
    bootNodes: peer.addresses,
    reqResp,
  }
  const old = await net.createNode(config)
  await net.run(random.below(30_000))
  const end = (['lives', 'hangs', 'ends', 'stops'] as const)[random.below(4)]!
  if (end === 'hangs') net.freeze(old)
  if (end === 'ends') await net.crash(old)
  const next = await net.createNode(config)
  const stopped = end === 'stops' ? old.stop({ drain: 1_000 }) : undefined
  await net.run(TOLD)
  await stopped
  const twins = async (node: P2pNode): Promise<number> => (await net.until(node.status())).twins?.length ?? 0
  const told = end === 'lives' ? [await twins(old), await twins(next)] : [await twins(next)]
  const { twins: known = [] } = await net.until(peer.explain({ peer: next.peerId }))
  const expected = end === 'lives' ? 1 : 0
  if (told.some((amount) => amount !== expected) || known.length > 0 !== (end === 'lives')) {
    const what = `the older of two of one secret ${end}: told of ${told.join(' and ')} twins; their peer knows ${known.length}`
    throw new Violation('liveness', what, net.now)
  }
  for (const node of [peer, next]) await net.until(node.stop())
}
