/** What is said over a session: bytes one by one, frames to be skipped, garbage. */
import * as wire from '../../support/session.js'
import { data } from '../tools/frames.js'
import { Line } from '../tools/line.js'
import { Session } from '../tools/session.js'
import { random } from '../tools/protobuf.js'
import { often, pause, turn, atOnce, type Attack, type Context } from './attack.js'

const { join } = wire

/** Opens sessions that say this, so many in a second; on a new line when the old one is ended. */
async function said(context: Context, perSecond: number, words: () => Uint8Array): Promise<void> {
  let line = await Line.open(context)
  await context.start()
  await often(context, perSecond, async () => {
    if (!line.isOpen) line = await Line.open(context).catch(() => line)
    if (!line.isOpen) return pause(50)
    line.stream(wire.SESSION, words())
    context.fate.did()
  })
}

export const session: Attack[] = [
  {
    name: 'session-one-byte',
    does: 'One peer sends its requests a byte at a time, each in a frame of Yamux of its own, as fast as it can.',
    async run(context) {
      const line = await Line.open(context)
      const one = new Session(line, context)
      await context.start()
      await atOnce(context, 1, async () => {
        const bytes = one.requests(20, 'x')
        await line.send(join(...Array.from(bytes, (byte) => data(one.stream.id, Uint8Array.of(byte)))))
        context.fate.did(20)
        await (one.stream.isOpen ? turn() : pause(1_000))
      })
    },
  },
  {
    name: 'session-skippable',
    does: 'One peer sends frames of a kind that is to be skipped, as fast as it can.',
    async run(context) {
      const one = new Session(await Line.open(context), context)
      const frames = join(...Array.from({ length: 1_000 }, () => wire.frame(0x8f, 1)))
      await context.start()
      await atOnce(context, 1, async () => {
        await one.send(frames)
        one.did(1_000)
        await (one.stream.isOpen ? turn() : pause(1_000))
      })
    },
  },
  {
    name: 'session-credits',
    does: 'One peer asks once, and gives a byte of credit for the answer again and again, as fast as it can.',
    async run(context) {
      const one = new Session(await Line.open(context), context)
      await context.start()
      await one.send(one.request('values 100', { credit: 132, one: false }))
      const frames = join(...Array.from({ length: 1_000 }, () => wire.credit(1, 1)))
      await atOnce(context, 1, async () => {
        await one.send(frames)
        one.did(1_000)
        await (one.stream.isOpen ? turn() : pause(1_000))
      })
    },
  },
  {
    name: 'session-garbage',
    does: 'One peer opens 50 sessions a second, and says noise over each.',
    run: (context) => said(context, 50, () => join(wire.hello(), random(3_000))),
  },
  {
    name: 'session-hellos',
    does: 'One peer opens 50 sessions a second, and greets a thousand times over each.',
    run: (context) => said(context, 50, () => join(...Array.from({ length: 1_000 }, () => wire.hello({ 0: 7 })))),
  },
  {
    name: 'session-lengths',
    does: 'One peer opens 50 sessions a second, and declares giant frames and payloads over each.',
    run: (context) =>
      said(context, 50, () =>
        join(wire.hello(), wire.request(1, new Uint8Array(100), { total: 2 ** 40 }), wire.varint(2 ** 50)),
      ),
  },
  {
    name: 'goodbyes',
    does: 'One peer asks whether its connection may be closed, as fast as it can, and reads no answer.',
    async run(context) {
      const one = new Session(await Line.open(context), context, { reads: false })
      let id = 0
      await context.start()
      await atOnce(context, 1, async () => {
        await one.send(...Array.from({ length: 1_000 }, () => wire.goodbye(++id, 0)))
        one.did(1_000)
        await (one.stream.isOpen ? turn() : pause(1_000))
      })
    },
  },
]
