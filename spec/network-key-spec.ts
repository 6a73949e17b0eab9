import { describe, expect, it } from '@jest/globals'
import { newNetworkKey, readNetworkKey, textOfNetworkKey } from '../src/network-key.js'

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
const HEX = Buffer.from(KEY).toString('hex')

describe('a network key', () => {
  it('is made by chance, as the text of a swarm.key file', () => {
    const [one, other] = [newNetworkKey(), newNetworkKey()]
    expect(one).toMatch(/^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[\da-f]{64}\n$/)
    expect(one).not.toBe(other)
    expect(textOfNetworkKey(readNetworkKey(one, 'it'))).toBe(one)
  })

  it.each([
    ['32 bytes', KEY],
    ['the text of a file', textOfNetworkKey(KEY)],
    ['the bytes of a file', new TextEncoder().encode(textOfNetworkKey(KEY))],
    ['a file of another system, in capitals', `/key/swarm/psk/1.0.0/\r\n/base16/\r\n${HEX.toUpperCase()}\r\n`],
    ['base64', `/key/swarm/psk/1.0.0/\n/base64/\n${Buffer.from(KEY).toString('base64')}`],
  ])('is read from %s', (_, given) => {
    expect(readNetworkKey(given, 'it')).toEqual(KEY)
  })

  it('is a copy of the bytes', () => {
    const given = KEY.slice()
    const read = readNetworkKey(given, 'it')
    given.fill(0)
    expect(read).toEqual(KEY)
  })

  it.each([
    ['', 'whose first line is /key/swarm/psk/1.0.0/'],
    [HEX, 'it is no text of a swarm.key file'],
    ['/key/swarm/psk/1.0.0/\n/base32/\nAA', 'its second line is neither /base16/ nor /base64/'],
    ['/key/swarm/psk/1.0.0/\n/bin/\nxx', 'pass its 32 bytes'],
    [`/key/swarm/psk/1.0.0/\n/base16/\n${HEX}0`, 'its third line is not base16'],
    [`/key/swarm/psk/1.0.0/\n/base16/\n${HEX.slice(2)}`, 'it has 31 bytes instead of 32'],
    ['/key/swarm/psk/1.0.0/\n/base64/\n%%%', 'its third line is not base64'],
    ['/key/swarm/psk/1.0.0/\n/base64/\nAAAAA', 'its third line is not base64'],
    ['/key/swarm/psk/1.0.0/\n/base64/\nAAA==', 'its third line is not base64'],
    ['/key/swarm/psk/1.0.0/\n/base64/\nA=', 'its third line is not base64'],
    ['/key/swarm/psk/1.0.0/\n/base64/\nAAA', 'it has 2 bytes instead of 32'],
    [`/key/swarm/psk/1.0.0/${' '.repeat(100_000)}x`, 'it is no text of a swarm.key file'],
    [5, 'it is neither a text nor bytes'],
    [new Uint8Array(5), 'it has 5 bytes instead of 32'],
    [new Uint8Array(31), 'it has 31 bytes instead of 32'],
  ])('%j is none, and the message shows nothing of it', (given, why) => {
    const read = (): unknown => readNetworkKey(given, 'access.networkKey')
    expect(read).toThrow(expect.objectContaining({ code: 'InvalidConfig' }))
    expect(read).toThrow(
      `access.networkKey must be the text of a swarm.key file, or 32 bytes (newNetworkKey() makes one): `,
    )
    expect(read).toThrow(why)
    expect(read).not.toThrow(HEX.slice(2, 20))
  })
})
