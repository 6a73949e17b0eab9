/** Our Noise over our TCP: every frame arrives, however packets cut it, and none costs an exception. No Yamux, no node. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { quietLogger } from '../../../src/libp2p/logger.js'
import type { MessageStream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Uint8ArrayList } from 'uint8arraylist'
import { NOISE } from '../../../src/libp2p/defaults.js'
import { tunedNoise } from '../../../src/libp2p/patches/noise-frames.js'
import { tcpPair, type TcpPair } from '../../support/tcp-pair.js'

async function encrypter() {
  const privateKey = await generateKeyPair('Ed25519')
  const peerId = peerIdFromPrivateKey(privateKey)
  const upgrader = { getStreamMuxers: () => new Map() }
  return tunedNoise(NOISE)({ privateKey, peerId, upgrader, logger: quietLogger() } as never)
}

function received(stream: MessageStream, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let count = 0
  return new Promise((resolve) => {
    stream.addEventListener('message', ({ data }) => {
      chunks.push(data.subarray().slice())
      count += data.byteLength
      if (count >= bytes) resolve(Buffer.concat(chunks))
    })
  })
}

describe('our Noise', () => {
  let pair: TcpPair
  let near: MessageStream
  let far: MessageStream

  beforeEach(async () => {
    pair = await tcpPair()
    const [one, other] = [await encrypter(), await encrypter()]
    const ends = await Promise.all([one.secureOutbound(pair.near), other.secureInbound(pair.far)])
    ;[near, far] = ends.map(({ connection }) => connection) as [MessageStream, MessageStream]
  })

  afterEach(() => pair.close())

  it.each([1, 200, 300, 65_519, 1_000_000])('carries %i bytes', async (size) => {
    const data = Buffer.from(new Uint8Array(size).map((_, i) => (i * 7) % 251))
    const arrived = received(far, size)
    near.send(data)
    expect(data.equals(await arrived)).toBe(true)
  })

  it('does not join a large frame that came in several packets', async () => {
    let count = 0
    const arrived = new Promise<void>((resolve) => {
      far.addEventListener('message', ({ data }) => (count += data.byteLength) < 500_000 || resolve())
    })
    const joined = jest.spyOn(Uint8ArrayList.prototype, 'subarray')
    near.send(new Uint8Array(500_000))
    await arrived
    const sizes = joined.mock.results.map(({ value }) => (value as Uint8Array).length)
    jest.restoreAllMocks()
    expect(Math.max(0, ...sizes)).toBeLessThan(1_000)
  })

  it('makes no error at the end of a packet', async () => {
    const made = jest.spyOn(globalThis, 'RangeError')
    for (let i = 0; i < 20; i++) {
      const arrived = received(far, 100)
      near.send(new Uint8Array(100))
      await arrived
    }
    expect(made).not.toHaveBeenCalled()
    const { decoder } = far as unknown as { decoder: { lengthDecoder(data: { byteLength: number }): number } }
    expect(() => decoder.lengthDecoder({ byteLength: 1 })).not.toThrow()
    jest.restoreAllMocks()
  })
})
