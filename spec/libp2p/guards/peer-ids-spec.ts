import { beforeAll, expect, it } from '@jest/globals'
import { multiaddr } from '@multiformats/multiaddr'
import { boundPeerIds } from '../../../src/libp2p/guards/peer-ids.js'
import { join } from '../../support/bytes.js'
import { varint } from '../../support/session.js'

beforeAll(boundPeerIds)

const withId = (id: Uint8Array): Uint8Array =>
  join(multiaddr('/ip4/192.0.2.1/tcp/4001').bytes, varint(421), varint(id.length), id)

it.each([129, 1_000, 8_000])('a peer id of %i bytes is none, before anybody makes a text of it', (length) => {
  expect(() => multiaddr(withId(new Uint8Array(length).fill(7)))).toThrow(`a peer id of ${length} bytes in an address`)
})

it.each([
  '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
  'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
])('a peer id that there can be is one, whoever bounds them how often: %s', (id) => {
  boundPeerIds()
  const address = `/ip4/192.0.2.1/tcp/4001/p2p/${id}`
  expect(multiaddr(multiaddr(address).bytes).toString()).toBe(address)
})
