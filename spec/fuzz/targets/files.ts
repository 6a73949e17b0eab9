/** What is on disk: a directory of a node that was another's, and recordings that somebody sends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as path } from 'node:path'
import { crc32 } from '../../../src/platform/checksums.js'
import { CborWriter, decodeCbor } from '../../../src/recording/cbor.js'
import { readRecording } from '../../../src/recording/format.js'
import { copiesIn, sealed, twice } from '../../../src/storage/files.js'
import { keyOf } from '../../../src/storage/key.js'
import { lockDirectory } from '../../../src/storage/lock.js'
import { withLastPorts } from '../../../src/storage/ports.js'
import { readRemembered } from '../../../src/storage/remembered.js'
import type { Random } from '../../../src/testing/network/random.js'
import { replay } from '../../../src/testing/replay.js'
import { join } from '../../support/bytes.js'
import { SELF, settingsWith } from '../../support/core.js'
import { RecordedCore } from '../../support/recorded-core.js'
import { stretch } from '../../support/mutations.js'
import type { Target } from '../target.js'
import { hold, isSame, oneOf, text, utf8 } from '../tools/chunks.js'
import { someAddress } from '../tools/identities.js'
import { SIGNED } from '../tools/signed.js'
import { someJson } from './calls.js'

const LONG = 65_536

let folder = ''

function makeFolder(): void {
  folder = mkdtempSync(path(tmpdir(), 'tinyp2p-fuzz-'))
}

function removeFolder(): void {
  rmSync(folder, { recursive: true, force: true })
}

/** A new directory, with one file in it. */
async function withFile<T>(
  name: string,
  content: string | Uint8Array,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = path(folder, 'data')
  await mkdir(directory)
  try {
    await writeFile(path(directory, name), content, { mode: 0o600 })
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The file as it is, or what is in it, with checksums that are right: the first byte says which. */
function fileOf(input: Uint8Array, seal = twice): string | Uint8Array {
  return (input[0] ?? 0) % 4 === 0 ? input.subarray(1) : seal(text(input.subarray(1)))
}

const seals: Target = {
  name: 'sealed files',
  share: 6,
  most: LONG,
  good: (random) => utf8(twice(oneOf(random, ['hello', '', '{"a":1}']))),
  read(input) {
    const copies = copiesIn(text(input))
    const whole = copies.find((copy) => copy !== undefined)
    if (whole === undefined) return copies.length === 0 ? 'empty' : 'damaged'
    hold(copiesIn(twice(whole)).includes(whole.trim()), 'it is the same when it is written again')
    return copies.includes(undefined) ? 'one copy is whole' : 'whole'
  },
}

function someRemembered(random: Random): string {
  const peers = Array.from({ length: random.below(3) }, () => {
    const peer = oneOf(random, SIGNED).peer
    const addresses = Array.from({ length: random.below(3) }, () => someAddress(random))
    return { peer, addresses, age: random.below(1_000) }
  })
  const odd = random.below(3) === 0 ? `,"ports":${someJson(random)}` : ''
  const list =
    random.below(4) === 0
      ? `[{"peer":"${SIGNED[0]!.peer}","addresses":${someJson(random)},"age":1}]`
      : JSON.stringify(peers)
  return `{"version":1,"peers":${list}${odd}}`
}

function remembered(name: 'peers' | 'ports', good: (random: Random) => string): Target {
  return {
    name: `files: ${name}`,
    share: 0.06,
    most: LONG,
    memory: 512,
    outcomes: 2,
    prepare: makeFolder,
    end: removeFolder,
    good: (random) => join(random.bytes(1), utf8(good(random))),
    read: (input) =>
      withFile(name, fileOf(input), async (directory) => {
        const { peers, ports } = await readRemembered(directory, () => undefined)
        for (const { peer, addresses, age } of peers) {
          hold(typeof peer === 'string' && age >= 0, 'a peer has an id and an age')
          hold(
            addresses.every((address) => typeof address === 'string'),
            'addresses are texts',
          )
        }
        hold(Object.values(ports).every(Number.isInteger), 'ports are numbers')
        await withLastPorts(['/ip4/127.0.0.1/tcp/9'], ports)
        return `${peers.length === 0 ? 'no peer' : 'peers'}, ${Object.keys(ports).length === 0 ? 'no port' : 'ports'}`
      }),
  }
}

const keys: Target = {
  name: 'files: key',
  share: 0.06,
  most: LONG,
  memory: 512,
  outcomes: 2,
  throws: ['P2pError'],
  prepare: makeFolder,
  end: removeFolder,
  good: (random) => join(random.bytes(1), utf8('4zvwRjXUKGfvwnParsHAS3HuSVzV5cA4McphgmoCtajS')),
  read: (input) =>
    withFile('key', fileOf(input), async (directory) => {
      const key = await keyOf(directory, undefined, () => undefined)
      return typeof key === 'string' ? 'a text' : 'something else'
    }),
}

const locks: Target = {
  name: 'files: lock',
  share: 0.06,
  most: LONG,
  memory: 512,
  outcomes: 2,
  throws: ['Error: process '],
  prepare: makeFolder,
  end: removeFolder,
  good(random) {
    const pid = oneOf(random, [1, process.pid, 999_999_999, -1, 0, 1.5, '1', null, [], '../self'])
    const task = random.below(2) === 0 ? { task: { id: '../1', started: 'x' } } : {}
    const owner = {
      pid,
      started: oneOf(random, ['1', null, 7]),
      boot: null,
      thread: oneOf(random, [0, 1, 'x']),
      ...task,
    }
    return join(random.bytes(1), utf8(random.below(3) === 0 ? someJson(random) : JSON.stringify(owner)))
  },
  read: (input) =>
    withFile('lock', fileOf(input, sealed), async (directory) => {
      const lock = await lockDirectory(directory, folder)
      await lock.release()
      return lock.isShared === true ? 'shared' : 'taken'
    }),
}

function someValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 3 ? 6 : 8)) {
    case 0:
      return random.below(70_000)
    case 1:
      return oneOf(random, [-1, 1.5, 2 ** 40, NaN, Infinity])
    case 2:
      return oneOf(random, ['', 'type', '\ufeffx', '__proto__'])
    case 3:
      return random.bytes(random.below(6))
    case 4:
      return oneOf(random, [true, false, null, undefined])
    case 5:
      return []
    case 6:
      return Array.from({ length: random.below(4) }, () => someValue(random, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [
          oneOf(random, ['a', 'type', '__proto__', 'constructor']),
          someValue(random, depth + 1),
        ]),
      )
  }
}

const writer = new CborWriter()

function encode(value: unknown): Uint8Array {
  writer.clear()
  writer.write(value)
  return writer.take().slice()
}

const cbor: Target = {
  name: 'CBOR',
  share: 3,
  most: 1024 * 1024,
  memory: 256,
  throws: ['Error'],
  outcomes: 6,
  good: (random) => encode(someValue(random)),
  large: (random, size) =>
    stretch(
      random,
      Uint8Array.from(oneOf(random, [[0x81], [0xa1, 0x61, 0x61], [0x82, 0x00], [0x9a, 0, 0xff, 0xff]])),
      size,
    ),
  read(input) {
    const value = decodeCbor(input)
    if (Number.isNaN(value)) return 'no number'
    hold(isSame(decodeCbor(encode(value)), value), 'it is the same when it is written again')
    return Array.isArray(value) ? 'a list' : value instanceof Uint8Array ? 'bytes' : typeof value
  },
}

/** Batches of a core, and a header, as values. */
const HEADER = { peerId: SELF, settings: settingsWith({}), tinyp2p: '0.1.0', redacted: false }
const EVENTS = [
  { type: 'woken' },
  { type: 'connectionOpened', connection: 1, peer: 'bob', address: '/ip4/1.2.3.4/tcp/1', outbound: false },
  { type: 'data', stream: 1, chunks: [Uint8Array.of(1, 2)] },
  { type: 'request', ask: 1, peer: 'bob', addresses: [], data: Uint8Array.of(1), timeout: 100 },
  { type: 'message', topic: 'a', data: Uint8Array.of(1), from: 'x', via: 'y', id: '1', held: false },
  { type: 'shutdown' },
]

function someRecording(random: Random): Uint8Array {
  const core = new RecordedCore()
  for (let at = 1; at < 1 + random.below(4); at++) core.in(at, { type: 'woken' })
  return core.memory.bytes
}

/** Bodies, each with two bytes of length, become records whose checksums are right. */
function records(input: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x89, 0x54, 0x32, 0x50, 0x52, 0x0d, 0x0a, 0x1a, 0, 1)]
  for (let at = 0; at + 2 <= input.length;) {
    const size = input[at]! * 256 + input[at + 1]!
    const content = input.subarray(at + 2, at + 2 + size)
    const head = new Uint8Array(12)
    const view = new DataView(head.buffer)
    view.setUint32(0, content.length)
    view.setUint32(4, crc32(content))
    view.setUint32(8, crc32(head.subarray(0, 8)))
    parts.push(head, content)
    at += 2 + size
  }
  return join(...parts)
}

function body(value: unknown): Uint8Array {
  const bytes = encode(value)
  return join(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes)
}

function someBodies(random: Random): Uint8Array {
  const header = random.below(6) === 0 ? { ...HEADER, settings: someValue(random) } : HEADER
  const batches = Array.from({ length: random.below(4) }, (_, at) => {
    const event = oneOf(random, EVENTS)
    const odd = random.below(4) === 0 ? { ...event, [oneOf(random, Object.keys(event))]: someValue(random) } : event
    return body([at + 1, random.below(8) === 0 ? someValue(random) : odd])
  })
  return join(Uint8Array.of(1), body(header), ...batches, body({ batches: 1, events: 1, final: 'x' }))
}

function recordingOf(input: Uint8Array): Uint8Array {
  return (input[0] ?? 0) % 4 === 0 ? input.subarray(1) : records(input.subarray(1))
}

const reading: Target = {
  name: 'recordings: reading',
  share: 0.4,
  most: LONG,
  memory: 512,
  outcomes: 5,
  throws: ['RecordingError'],
  good: (random) => (random.below(3) === 0 ? join(Uint8Array.of(0), someRecording(random)) : someBodies(random)),
  read(input) {
    const source = readRecording(recordingOf(input)).batches()
    let next = source.next()
    for (; next.done !== true; next = source.next()) hold(typeof next.value.at === 'number', 'a batch has a time')
    return next.value.fault?.code ?? 'whole'
  },
}

const replaying: Target = {
  name: 'recordings: replay',
  share: 0.1,
  most: LONG,
  memory: 4_096,
  outcomes: 4,
  throws: ['RecordingError'],
  good: someBodies,
  async read(input) {
    const { complete, fault } = await replay(recordingOf(input), { partial: true, verify: false })
    return complete ? 'whole' : fault!.code
  },
}

export const files: Target[] = [
  seals,
  remembered('peers', someRemembered),
  remembered('ports', (random) => (random.below(2) === 0 ? someJson(random) : '{"/ip4/127.0.0.1/tcp/0":4001}')),
  keys,
  locks,
  cbor,
  reading,
  replaying,
]
