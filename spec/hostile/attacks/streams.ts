/** Streams: opened and left, reset at once, for protocols that nobody speaks; and what else Yamux lets one say. */
import { join } from '../../support/bytes.js'
import { frame, hello, SESSION, varint } from '../../support/session.js'
import {
  GO_AWAY,
  MULTISTREAM,
  RST,
  SYN,
  DATA,
  WINDOW,
  data,
  greeting,
  header,
  ping,
  window,
  word,
} from '../tools/frames.js'
import { Gossiper } from '../tools/gossip.js'
import { KADEMLIA, PING, PUSH } from '../tools/guest.js'
import { Line } from '../tools/line.js'
import { Session } from '../tools/session.js'
import { random } from '../tools/protobuf.js'

import { often, pause, turn, atOnce, type Attack, type Context } from './attack.js'

/** Sends what `piece` gives as fast as the victim takes it; comes back with a new line, from one when it is ended. `count`: of each piece. */
export async function flood(
  context: Context,
  piece: (line: Line) => Uint8Array,
  { count = 1, before }: { count?: number; before?: (line: Line) => unknown } = {},
): Promise<void> {
  let first: Line | undefined = await Line.open(context)
  before?.(first)
  await context.start()
  await atOnce(context, 1, async () => {
    const line = first ?? (await Line.open(context))
    if (first === undefined) before?.(line)
    first = undefined
    while (line.isOpen && !context.signal.aborted) {
      await line.send(piece(line))
      context.fate.did(count)
      await turn()
    }
    await pause(100)
  })
}

function resets(protocol: string, first: Uint8Array = new Uint8Array()): (line: Line) => Uint8Array {
  const words = protocol === '' ? first : join(greeting(protocol), first)
  return (line) =>
    join(
      ...Array.from({ length: 50 }, () => {
        const id = line.freshId()
        return join(data(id, words, SYN), header(DATA, RST, id, 0))
      }),
    )
}

function rapidReset(name: string, protocol: string, first?: Uint8Array): Attack {
  const what = protocol === '' ? 'without a word' : `of ${protocol}`
  return {
    name: `reset-${name}`,
    does: `One peer opens streams ${what} and resets them at once, as fast as it can.`,
    run: (context) => flood(context, resets(protocol, first), { count: 50 }),
  }
}

/** Keeps so many streams open on each of so many lines, each begun with these words. */
function kept(lines: number, streams: number, first: () => Uint8Array) {
  return async (context: Context): Promise<void> => {
    const all = await Promise.all(Array.from({ length: lines }, () => Line.open(context)))
    await context.start()
    for (let at = 0; at < streams && !context.signal.aborted; at += 20) {
      for (const line of all) {
        for (let i = 0; i < 20; i++) await line.send(data(line.freshId(), first(), SYN))
        context.fate.did(20)
      }
      await pause(1)
    }
    await context.over
  }
}

/** Ordinary requests of a session, each of 300 bytes, in frames of Yamux of so many bytes. */
function crumbs(peers: number, size: number): Attack {
  return {
    name: `yamux-crumbs-${size}`,
    does: `${peers} peers send requests of 300 bytes in frames of ${size} bytes, as fast as they can.`,
    harmless: 'its requests are answered, and its frames have turns',
    async run(context) {
      const lines = await Promise.all(Array.from({ length: peers }, () => Line.open(context)))
      const sessions = lines.map((line) => new Session(line, context))
      await context.start()
      await atOnce(context, peers, async (index) => {
        const { stream } = sessions[index]!
        if (!stream.isOpen || sessions[index]!.unanswered > 500) return pause(5)
        const bytes = sessions[index]!.requests(100, new Uint8Array(300))
        const frames: Uint8Array[] = []
        for (let at = 0; at < bytes.length; at += size) frames.push(data(stream.id, bytes.subarray(at, at + size)))
        await lines[index]!.send(join(...frames))
        context.fate.did(frames.length)
        await turn()
      })
    },
  }
}

/** Opens streams of one protocol 300 times a second, each with these bytes, and leaves them; comes back from one when it is ended. */
export async function reopened(context: Context, protocol: string, first: Uint8Array): Promise<void> {
  let member = await Gossiper.join(context)
  const words = join(greeting(protocol), first)
  // The victim hears that it is there.
  await pause(500)
  await context.start()
  await often(context, 300, async () => {
    if (!member.line.isOpen) {
      await pause(100)
      member = await Gossiper.join(context)
    }
    await member.line.send(data(member.line.freshId(), words, SYN))
    context.fate.did()
  })
}

const zeros = new Uint8Array(1_048_576)

/** Frames of Noise, made before, which have what `of` gives. */
function sealed(lines: number, each: number, of: (line: Line) => (index: number) => Uint8Array): Attack['run'] {
  return async (context) => {
    const all = await Promise.all(Array.from({ length: lines }, (_, i) => Line.open(context, { from: `127.0.1.${i + 1}` }))) // prettier-ignore
    // What the victim asks at the beginning is over.
    await pause(1_500)
    const says = all.map((line) => {
      const piece = of(line)
      return line.sealed(Array.from({ length: each }, (_, index) => piece(index)))
    })
    await context.start()
    const floods = all.map(async (line, index) => {
      const bytes = says[index]!
      for (let at = 0; at < bytes.length && line.isOpen && !context.signal.aborted; at += 65_520) {
        await line.sendSealed(bytes.subarray(at, at + 65_520))
        context.fate.did(3_500)
      }
    })
    await Promise.all([...floods, context.over])
  }
}

/** Large frames of a session, a byte at a time. */
function byteByByte(line: Line, context: Context): (index: number) => Uint8Array {
  const { stream } = new Session(line, context)
  const bytes = data(stream.id, join(...Array.from({ length: 12 }, () => frame(0x8f, 1, new Uint8Array(16_000)))))
  return (index) => bytes.subarray(index, index + 1)
}

export const streams: Attack[] = [
  {
    name: 'noise-empties-one',
    does: 'One peer sends 1,500,000 frames of Noise with nothing in them.',
    run: sealed(1, 1_500_000, () => () => new Uint8Array()),
  },
  {
    name: 'noise-empties',
    does: 'Each of sixteen peers sends 150,000 frames of Noise with nothing in them.',
    run: sealed(16, 150_000, () => () => new Uint8Array()),
  },
  {
    name: 'noise-ones',
    does: 'Each of eight peers sends 150,000 frames of Noise with one byte of a session in each.',
    harmless: 'it is honest, if foolish, and has its turns',
    run: (context) => sealed(8, 150_000, (line) => byteByByte(line, context))(context),
  },
  {
    name: 'streams-half-negotiated',
    does: 'Ten peers open 1,000 streams each, and say half of what opens one.',
    run: kept(10, 1_000, () => word(MULTISTREAM)),
  },
  {
    name: 'streams-half-negotiated-each',
    does: '40 identities come one after the other, the last ones with more than the first ones, and each holds streams that are half opened.',
    harmless: 'whoever needs a place takes it from them',
    async run(context) {
      await context.start()
      const lines: Line[] = []
      while (!context.signal.aborted) {
        if (lines.length < 40) await Line.open(context).then((line) => lines.push(line)).catch(() => undefined) // prettier-ignore
        for (const [at, line] of lines.entries()) {
          for (let i = 0; i < 5 + at; i++) line.push(data(line.freshId(), word(MULTISTREAM), SYN))
          context.fate.did(5 + at)
        }
        await pause(lines.length < 40 ? 50 : 2_000)
      }
    },
  },
  {
    name: 'streams-unknown-kept',
    does: 'One peer opens streams for a protocol that nobody speaks, as fast as it can, and keeps them.',
    run: (context) =>
      flood(
        context,
        (line) => join(...Array.from({ length: 50 }, () => data(line.freshId(), greeting('/nobody/1.0.0'), SYN))),
        {
          count: 50,
        },
      ),
  },
  {
    name: 'streams-many-words',
    does: 'One peer names one unknown protocol after the other, on 100 streams, without end.',
    async run(context) {
      const words = join(...Array.from({ length: 200 }, () => word(`/nobody/${'x'.repeat(40)}`)))
      const line = await Line.open(context)
      await context.start()
      const all = Array.from({ length: 100 }, () => line.stream('/nobody/0'))
      await atOnce(context, 100, async (index) => {
        if (!all[index]!.isOpen) all[index] = line.isOpen ? line.stream('/nobody/0') : all[index]!
        await all[index]!.send(words)
        context.fate.did(200)
        await pause(line.isOpen ? 1 : 100)
      })
    },
  },
  {
    name: 'streams-lengths-endless',
    does: 'One peer opens 50 streams a second, and says 100 kB of a length that has no end on each.',
    harmless: 'no more of it is read than a word has',
    async run(context) {
      const line = await Line.open(context)
      const endless = Buffer.alloc(100_000, 0x80)
      await context.start()
      await often(context, 20, () => {
        if (!line.isOpen) return
        line.stream('/nobody/0', endless)
        context.fate.did()
      })
    },
  },
  crumbs(1, 12),
  crumbs(8, 50),
  rapidReset('nothing', ''),
  rapidReset('session', '/tinyp2p/session/1.0.0', Uint8Array.of(2, 0, 0)),
  rapidReset('gossip', '/meshsub/1.1.0'),
  rapidReset('version1', '/tinyp2p/req-resp/1.0.0', Uint8Array.of(1, 0)),
  rapidReset('kad', '/ipfs/kad/1.0.0'),
  rapidReset('identify', '/ipfs/id/1.0.0'),
  rapidReset('ping', '/ipfs/ping/1.0.0'),
  {
    name: 'reopened-version1',
    does: 'One peer opens streams of version 1 300 times a second, each with 60 kB of a request of 512 KiB.',
    run: (context) => reopened(context, '/tinyp2p/req-resp/1.0.0', join(varint(524_288), random(60_000))),
  },
  {
    name: 'reopened-session',
    does: 'One peer opens sessions 300 times a second, each with 32 kB of what is skipped.',
    run: (context) =>
      reopened(context, SESSION, join(hello({ 0: 7 }), frame(0x8f, 1, random(16_000)), frame(0x8f, 1, random(16_000)))),
  },
  {
    name: 'reopened-kad',
    does: 'One peer opens streams of Kademlia 300 times a second, each with most of a question of 4 kB.',
    harmless: 'a stream that is open costs little, and less than 8 KiB waits on each',
    run: (context) => reopened(context, KADEMLIA, join(varint(4_000), random(3_900))),
  },
  {
    name: 'reopened-push',
    does: 'One peer opens streams of identify 300 times a second, each with most of what it says of itself.',
    harmless: 'a stream that is open costs little, and less than 8 KiB waits on each',
    run: (context) => reopened(context, PUSH, join(varint(8_000), random(7_900))),
  },
  {
    name: 'reopened-ping',
    does: 'One peer opens streams of ping 300 times a second, each with half of one.',
    harmless: 'a stream that is open costs little, and less than 8 KiB waits on each',
    run: (context) => reopened(context, PING, random(16)),
  },
  {
    name: 'yamux-pings-unread',
    does: 'One peer sends Yamux pings as fast as it can, and reads nothing.',
    run: (context) =>
      flood(context, () => join(...Array.from({ length: 1_000 }, (_, index) => ping(index))), {
        count: 1_000,
        before: (line) => line.deaf(),
      }),
  },
  {
    name: 'yamux-pings',
    does: 'One peer sends Yamux pings as fast as it can, and reads the answers.',
    run: (context) =>
      flood(context, () => join(...Array.from({ length: 1_000 }, (_, index) => ping(index))), { count: 1_000 }),
  },
  {
    name: 'yamux-declared',
    does: 'One peer declares a frame of 4 GiB, and sends what there is of it.',
    run: (context) =>
      flood(context, () => zeros, {
        before: (line) => line.push(header(DATA, SYN, line.freshId(), 0xffffffff)),
      }),
  },
  {
    name: 'yamux-declared-dribble',
    does: '50 peers declare frames of 4 GiB, and send 100 bytes of it every 10 ms.',
    async run(context) {
      const lines = await Promise.all(Array.from({ length: 50 }, () => Line.open(context)))
      await context.start()
      for (const line of lines) line.push(header(DATA, SYN, line.freshId(), 0xffffffff))
      await often(context, 100, () => {
        for (const line of lines) line.push(zeros.subarray(0, 100))
        context.fate.did(lines.length)
      })
    },
  },
  {
    name: 'yamux-windows-missing',
    does: 'One peer sends window updates for streams that are not there, as fast as it can.',
    run: (context) =>
      flood(context, () => join(...Array.from({ length: 1_000 }, (_, index) => window(2 * index + 1, 1_000))), {
        count: 1_000,
      }),
  },
  {
    name: 'yamux-data-missing',
    does: 'One peer sends data for streams that are not there, as fast as it can.',
    run: (context) =>
      flood(
        context,
        () => join(...Array.from({ length: 200 }, (_, index) => data(2 * index + 1, zeros.subarray(0, 50)))),
        {
          count: 200,
        },
      ),
  },
  {
    name: 'yamux-windows-huge',
    does: 'One peer gives a stream of a session more and more window, in steps of 4 GiB.',
    run: (context) =>
      flood(context, () => join(...Array.from({ length: 1_000 }, () => window(1, 0xffffffff))), {
        count: 1_000,
        before: (line) => line.stream('/tinyp2p/session/1.0.0', Uint8Array.of(2, 0, 0)),
      }),
  },
  {
    name: 'yamux-nonsense',
    does: 'One peer sends Yamux frames of unknown types and goodbyes, and connects anew when it is ended.',
    run: (context) =>
      flood(context, () => join(header(9, 0, 1, 0), header(GO_AWAY, 0, 0, 7), header(WINDOW, 15, 3, 1)), { count: 3 }),
  },
  {
    name: 'yamux-empty-frames',
    does: 'One peer sends empty data frames on a stream of a session, as fast as it can.',
    run: (context) =>
      flood(context, () => join(...Array.from({ length: 1_000 }, () => header(DATA, 0, 1, 0))), {
        count: 1_000,
        before: (line) => line.stream('/tinyp2p/session/1.0.0', Uint8Array.of(2, 0, 0)),
      }),
  },
]
