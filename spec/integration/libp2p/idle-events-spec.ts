/** Our TCP, Noise and Yamux over each other: which events they make when bytes go out. No node. */
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { NOISE, YAMUX } from '../../../src/libp2p/defaults.js'
import { quietLogger } from '../../../src/libp2p/logger.js'
import { tunedNoise } from '../../../src/libp2p/patches/noise-frames.js'
import { tunedYamux } from '../../../src/libp2p/patches/yamux-streams.js'
import { tcpPair, type TcpPair } from '../../support/tcp-pair.js'

let pair: TcpPair
/** From the socket up. */
let layers: Record<'TCP' | 'Noise' | 'Yamux', MessageStream>
let far: Stream

async function secured(side: 'near' | 'far'): Promise<MessageStream> {
  const privateKey = await generateKeyPair('Ed25519')
  const upgrader = { getStreamMuxers: () => new Map() }
  const components = { privateKey, peerId: peerIdFromPrivateKey(privateKey), upgrader, logger: quietLogger() }
  const encrypter = tunedNoise(NOISE)(components as never)
  const { connection } = await encrypter[side === 'near' ? 'secureOutbound' : 'secureInbound'](pair[side])
  return connection
}

beforeEach(async () => {
  pair = await tcpPair()
  const [near, other] = await Promise.all([secured('near'), secured('far')])
  const factory = tunedYamux({ ...YAMUX, enableKeepAlive: false })()
  const arrival = once(factory.createStreamMuxer(other) as unknown as EventTarget, 'stream')
  const stream = await factory.createStreamMuxer(near).createStream()
  far = ((await arrival) as [CustomEvent<Stream>])[0].detail
  layers = { TCP: pair.near, Noise: near, Yamux: stream }
})

afterEach(() => pair.close())

it.each(['TCP', 'Noise', 'Yamux'] as const)('%s makes no `idle` that nobody hears, and any other', async (layer) => {
  const dispatch = jest.spyOn(layers[layer], 'dispatchEvent')
  const idle = () => dispatch.mock.calls.filter(([{ type }]) => type === 'idle').length
  const send = async (): Promise<void> => {
    const arrived = once(far as unknown as EventTarget, 'message')
    layers.Yamux.send(new Uint8Array(100))
    await arrived
  }
  await send()
  expect(idle()).toBe(0)
  const heard = once(layers[layer] as unknown as EventTarget, 'idle')
  await send()
  await heard
  expect(idle()).toBe(1)
})
