import { beforeAll, expect, it } from '@jest/globals'
import { multiaddr } from '@multiformats/multiaddr'
import { boundPeerIds, peerIdOf } from '../../../src/libp2p/guards/peer-ids.js'
import { join } from '../../support/bytes.js'
import { unverified, verify } from '../../../src/libp2p/gossip/signed-message.js'
import { varint } from '../../support/session.js'

beforeAll(boundPeerIds)

const withId = (id: Uint8Array): Uint8Array =>
  join(multiaddr('/ip4/192.0.2.1/tcp/4001').bytes, varint(421), varint(id.length), id)

it.each([129, 1_000, 8_000])('a peer id of %i bytes is none, before anybody makes a text of it', (length) => {
  expect(() => multiaddr(withId(new Uint8Array(length).fill(7)))).toThrow(`a peer id of ${length} bytes in an address`)
})

it.each(['12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'])(
  'a peer id that there can be is one, whoever bounds them how often: %s',
  (id) => {
    boundPeerIds()
    const address = `/ip4/192.0.2.1/tcp/4001/p2p/${id}`
    expect(multiaddr(multiaddr(address).bytes).toString()).toBe(address)
  },
)

/** Stock code takes it for a peer id. */
const longHash = (length: number): Uint8Array =>
  join(Uint8Array.of(0x12), varint(length), new Uint8Array(length).fill(7))

it('a multihash of any length is nobody, before anybody makes a text of it', () => {
  expect(peerIdOf(longHash(32))?.toString()).toMatch(/^Qm/)
  for (const length of [200, 60_000]) expect(peerIdOf(longHash(length))).toBeUndefined()
})

it('nor is the signer of a message, or of a proof', async () => {
  const message = { from: longHash(500_000), data: new Uint8Array(), topic: 'news' }
  expect(() => unverified(message).from).toThrow('its signer is nobody')
  const proof = new Uint8Array(100)
  expect(await verify({ topic: 'news', data: new Uint8Array(), from: 'Qm'.repeat(100_000), proof })).toBeUndefined()
})
