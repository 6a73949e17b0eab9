/** Requests over sessions: answers that are not read, credit that never comes, cancelled work, and handlers that are dear. */
import * as wire from '../../support/session.js'
import { guest, IDENTIFY, PING } from '../tools/guest.js'
import { Line } from '../tools/line.js'
import type { LineStream } from '../tools/line-stream.js'
import { random } from '../tools/protobuf.js'
import { Session } from '../tools/session.js'
import { often, pause, type Attack, type Context } from './attack.js'

async function sessions(context: Context, amount: number, options?: { reads: boolean }): Promise<Session[]> {
  const lines = await Promise.all(Array.from({ length: amount }, () => Line.open(context)))
  return lines.map((line) => new Session(line, context, options))
}

/** Asks so many at a time in one write, and again each second. */
async function waves(
  context: Context,
  all: Session[],
  amount: number,
  payload: string,
  asked?: wire.Asked,
): Promise<void> {
  await context.start()
  await often(context, 1, async () => {
    await Promise.race([context.over, Promise.all(all.map((one) => one.send(one.requests(amount, payload, asked))))])
    for (const one of all) one.did(amount)
  })
}

/** Each asks once for so many answers without an end, of empty values, and takes them as they come. */
async function endless(context: Context, peers: number, answers: number): Promise<void> {
  const all = await sessions(context, peers)
  await context.start()
  for (const one of all) {
    await one.send(one.requests(answers, 'values 0', { credit: 2 ** 32, one: false }))
    one.did(answers)
  }
  await context.over
}

const LARGE = 1_000_000
const PIECE = 16_384

/**
 * Answers whatever the victim asks over its session with this: the first request with all of it, so that the line is known to be fast, and
 * of the others all but the last piece, as credit allows.
 */
function partly(context: Context, answer: Uint8Array): (stream: LineStream) => void {
  return (stream) => {
    const decoder = new wire.FrameDecoder()
    const sent = new Map<number, number>()
    let first = 0
    let last = Promise.resolve()
    // One after the other: what waits for credit must not be cut by what comes behind it.
    const say = (frames: () => Uint8Array[]): void => {
      last = last.then(() => stream.send(wire.join(...frames())))
    }
    const pieces = function* (id: number, credit: number): Generator<Uint8Array> {
      const from = sent.get(id) ?? 0
      for (let at = from; at < Math.min(from + credit, answer.length);) {
        const end = Math.min(at + PIECE, from + credit, answer.length)
        const more = end < answer.length
        if (!more && id !== first) return
        sent.set(id, end)
        const total = at === 0 ? { total: answer.length } : {}
        yield wire.reply(id, answer.subarray(at, end), more ? { more, ...total } : { last: true })
        at = end
      }
    }
    stream.onData = (bytes) => {
      for (const { name, id, credit = 0, amount = 0 } of decoder.read(bytes)) {
        if (name === 'HELLO') say(() => [wire.hello({ 0: 7, 1: 1_000 })])
        if (name === 'REQUEST') {
          first ||= id
          context.fate.did()
          say(() => [...pieces(id, credit - 32)])
        }
        if (name === 'CREDIT') say(() => [...pieces(id, amount)])
        if (name === 'CANCEL') {
          context.fate.refused('cancelled')
          say(() => [wire.fail(id, 'Cancelled')])
        }
      }
    }
  }
}

/** So many peers have the victim ask each of them so often. */
async function askedPartly(context: Context, peers: number, amount: number): Promise<void> {
  const answer = random(LARGE)
  const says = { protocols: [IDENTIFY, PING, wire.SESSION] }
  const serve = { [wire.SESSION]: partly(context, answer) }
  const all = await Promise.all(Array.from({ length: peers }, () => guest(context, { says, serve })))
  const asking = all.map((line) => ({ session: new Session(line, context), ask: `ask ${line.host.peerId.toString()}` }))
  await pause(1_000)
  await context.start()
  for (const { session, ask } of asking) void session.send(session.request(ask))
  // By then no small request has passed lately, so as much credit is given at once as the line carries.
  await pause(1_500)
  for (const { session, ask } of asking) void session.send(session.requests(amount, ask))
  await context.over
}

export const requests: Attack[] = [
  {
    name: 'answers-endless',
    does: 'One peer asks 1,000 times for empty values without an end, and takes them as they come.',
    harmless: 'it gets what it asks for, in turns that leave others theirs',
    run: (context) => endless(context, 1, 1_000),
  },
  {
    name: 'answers-endless-four',
    does: 'Four peers ask 500 times each for empty values without an end, and take them as they come.',
    harmless: 'it gets what it asks for, in turns that leave others theirs',
    run: (context) => endless(context, 4, 500),
  },
  {
    name: 'answers-unread',
    does: 'One peer asks 1,000 times for 1 MB, with credit for all of it, and reads nothing.',
    run: async (context) => waves(context, await sessions(context, 1, { reads: false }), 1_000, 'give 1000000'),
  },
  {
    name: 'answers-unread-four',
    does: 'Four peers ask 1,000 times each for 1 MB, with credit for all of it, and read nothing.',
    run: async (context) => waves(context, await sessions(context, 4, { reads: false }), 1_000, 'give 1000000'),
  },
  {
    name: 'answers-without-credit',
    does: 'Five peers ask 1,000 times each for 1 MB, and give credit for 32 bytes for ever.',
    run: async (context) => waves(context, await sessions(context, 5), 1_000, 'give 1000000', { credit: 32 }),
  },
  {
    name: 'credit-zero',
    does: 'Five peers ask 1,000 small requests each, and give no credit for the answers.',
    run: async (context) => waves(context, await sessions(context, 5), 1_000, 'x', { credit: 0 }),
  },
  {
    name: 'values-stopped',
    does: 'Four peers ask 1,000 streams of values each, take one value of each, and no more.',
    run: async (context) =>
      waves(context, await sessions(context, 4), 1_000, 'values 100', { credit: 132, one: false }),
  },
  {
    name: 'answers-partial',
    does: 'Four peers have the victim ask them 1,000 times each, and send almost all of each answer.',
    harmless: 'each keeps its share until those requests are over, and the rest waits at it',
    run: (context) => askedPartly(context, 4, 1_000),
  },
  {
    name: 'answers-partial-forty',
    does: 'Forty peers have the victim ask them 200 times each, and send almost all of each answer.',
    harmless: 'all keep their shares until those requests are over, and the rest waits at them',
    run: (context) => askedPartly(context, 40, 200),
  },
  {
    name: 'handlers-dear-at-once',
    does: 'One peer asks 400 requests in one write that cost the handler 50 ms of computing each.',
    async run(context) {
      const [session] = await sessions(context, 1)
      await context.start()
      await session!.send(session!.requests(400, 'work 50'))
      context.fate.did(400)
      await context.over
    },
  },
  {
    name: 'handlers-dear-steady',
    does: 'One peer asks 40 requests a second that cost the handler 50 ms of computing each.',
    async run(context) {
      const [session] = await sessions(context, 1)
      await context.start()
      await often(context, 40, () => {
        context.fate.did()
        return session!.send(session!.request('work 50', { timeout: 5_000 }))
      })
    },
  },
  {
    name: 'open-and-cancel',
    does: 'One peer asks and cancels 10,000 requests a second.',
    // 10,000 are no more than a core has time for, whatever holds them: turns-spec does.
    harmless: 'a cancelled request costs less than an answered one',
    async run(context) {
      const [session] = await sessions(context, 1)
      await context.start()
      await often(context, 100, () => {
        const frames = Array.from({ length: 100 }, () => [session!.request('x'), wire.cancel(session!.last)])
        session!.did(100)
        return session!.send(...frames.flat())
      })
    },
  },
  {
    name: 'cancel-work',
    does: 'One peer asks 1,000 requests whose handlers take 10 s, cancels them, and asks 1,000 more, ten times a second.',
    harmless: 'a cancelled request keeps its place, so no more handlers work than may',
    async run(context) {
      const [session] = await sessions(context, 1)
      await context.start()
      await often(context, 10, () => {
        const frames = Array.from({ length: 1_000 }, () => [session!.request('wait 10000'), wire.cancel(session!.last)])
        session!.did(1_000)
        return session!.send(...frames.flat())
      })
    },
  },
]
