/** What we look up of a connection of libp2p's, on sockets of 127.0.0.1. */
import { afterEach, expect, it } from '@jest/globals'
import { isBroken } from '../../../src/libp2p/patches/broken-connection.js'
import { bytesReceived, bytesSent, localAddress } from '../../../src/libp2p/patches/socket.js'
import { pingOver } from '../../../src/libp2p/ping.js'
import { connect, startHost, stopHosts } from '../../support/hosts.js'

afterEach(stopHosts)

async function pair() {
  const [{ host: a }, { host: b }] = [await startHost(), await startHost()]
  return connect(a, b)
}

it('the bytes that come and go are counted', async () => {
  const [near] = await pair()
  const [received, sent] = [bytesReceived(near), bytesSent(near)]
  await pingOver(near, 5_000)
  // The ping itself, and what Noise and Yamux put around it.
  expect(bytesReceived(near)).toBeGreaterThan(received + 32)
  expect(bytesSent(near)).toBeGreaterThan(sent + 32)
})

it('the address of ours at which it began is known at both ends', async () => {
  for (const connection of await pair()) expect(localAddress(connection)).toBe('127.0.0.1')
})

it('it is broken as soon as it is being closed', async () => {
  const [near] = await pair()
  expect(isBroken(near)).toBe(false)
  const closed = near.close()
  expect([near.status, isBroken(near)]).toEqual(['open', true])
  await closed
})
