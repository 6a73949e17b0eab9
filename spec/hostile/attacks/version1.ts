/** Requests of version 1, a stream each: slow ones, declared ones, answers that nobody reads. */
import { join } from '../../support/bytes.js'
import { varint } from '../../support/session.js'
import { SYN, data, greeting } from '../tools/frames.js'
import { guest, IDENTIFY, PING } from '../tools/guest.js'
import { Line } from '../tools/line.js'
import type { LineStream } from '../tools/line-stream.js'
import { random } from '../tools/protobuf.js'
import { Session } from '../tools/session.js'
import { often, pause, type Attack, type Context } from './attack.js'

const V1 = '/tinyp2p/req-resp/1.0.0'

/** Opens so many streams on each of so many lines, and says these words on each. */
async function open(context: Context, lines: number, streams: number, first: Uint8Array): Promise<LineStream[]> {
  const all = await Promise.all(Array.from({ length: lines }, () => Line.open(context)))
  await context.start()
  const opened: LineStream[] = []
  for (let at = 0; at < streams && !context.signal.aborted; at++) {
    for (const line of all) opened.push(line.stream(V1, first))
    context.fate.did(lines)
    if (at % 20 === 0) await pause(1)
  }
  return opened
}

function slow(lines: number) {
  return async (context: Context): Promise<void> => {
    const streams = await open(context, lines, 1_000, join(varint(10_000), Uint8Array.of(1)))
    await often(context, 1, async () => {
      for (const [index, stream] of streams.entries()) {
        if (stream.isOpen) void stream.send(Uint8Array.of(1))
        if (index % 100 === 0) await pause(1)
      }
    })
  }
}

const MiB = 1_048_576

export const version1: Attack[] = [
  {
    name: 'v1-slow',
    does: 'One peer sends 1,000 requests of 10 kB at a byte a second each.',
    // One peer alone never took much: `v1-slow-four` shows what shares are for, and v1/answerer-spec that silence is cut off.
    harmless: 'they keep to the share of one peer, and are cut off after `requestTimeout`',
    run: slow(1),
  },
  { name: 'v1-slow-four', does: 'Four peers send 1,000 requests of 10 kB each at a byte a second.', run: slow(4) },
  {
    name: 'v1-declared',
    does: 'Four peers declare 17 requests of 1 MiB each, and send one byte of each.',
    harmless: 'what is only declared takes no memory, and is cut off after `requestTimeout`',
    async run(context) {
      await open(context, 4, 17, join(varint(MiB), Uint8Array.of(1)))
      await context.over
    },
  },
  {
    name: 'v1-paused',
    does: 'One peer declares 900 requests of 1 MiB, and sends 240 kB of each.',
    async run(context) {
      const line = await Line.open(context)
      const part = new Uint8Array(15 * 16_384)
      await context.start()
      for (let at = 0; at < 900 && !context.signal.aborted; at++) {
        const stream = line.stream(V1, varint(MiB))
        await stream.send(part)
        context.fate.did()
      }
      await context.over
    },
  },
  {
    name: 'v1-answers-unread',
    does: 'Four peers ask 500 times each for 1 MB over version 1, and read nothing.',
    async run(context) {
      const all = await Promise.all(Array.from({ length: 4 }, () => Line.open(context)))
      const ask = Buffer.from('give 1000000')
      await context.start()
      for (let at = 0; at < 500 && !context.signal.aborted; at++) {
        for (const line of all) {
          const stream = line.stream(V1, join(varint(ask.length), ask))
          stream.reads = false
          stream.end()
        }
        context.fate.did(all.length)
        if (at % 20 === 0) await pause(1)
      }
      await context.over
    },
  },
  {
    name: 'v1-flood',
    does: 'One peer asks over version 1 as fast as it can, and ends each stream in good order.',
    async run(context) {
      const line = await Line.open(context)
      await context.start()
      while (!context.signal.aborted) {
        const asks = Array.from({ length: 20 }, () =>
          data(line.freshId(), join(greeting(V1), Uint8Array.of(1, 0)), SYN | 4),
        )
        await line.send(join(...asks))
        context.fate.did(20)
        await pause(line.isOpen ? 1 : 100)
      }
    },
  },
  {
    name: 'v1-answers-partial',
    does: 'Four peers have the victim ask them 250 times each over version 1, and send almost all of each answer.',
    async run(context) {
      const part = join(varint(1_000_500), random(1_000_000))
      const says = { protocols: [IDENTIFY, PING, V1] }
      const serve = {
        [V1]: (stream: LineStream) => {
          context.fate.did()
          void stream.send(part)
        },
      }
      const all = await Promise.all(Array.from({ length: 4 }, () => guest(context, { says, serve })))
      const sessions = all.map((line) => new Session(line, context))
      await pause(1_000)
      await context.start()
      for (const [at, one] of sessions.entries())
        void one.send(one.requests(250, `ask ${all[at]!.host.peerId.toString()}`))
      await context.over
    },
  },
]
