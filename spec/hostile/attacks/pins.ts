/** Little that waits beside much that is read at once: what is counted is small, and the bytes that came with it might stay with it. */
import { join } from '../../support/bytes.js'
import * as wire from '../../support/session.js'
import { Gossiper, rpc } from '../tools/gossip.js'
import { Line } from '../tools/line.js'
import type { LineStream } from '../tools/line-stream.js'
import { random } from '../tools/protobuf.js'
import { Session } from '../tools/session.js'
import { pause, turn, atOnce, type Attack, type Context } from './attack.js'

/** Frames that a session skips: almost as much as one message of Noise has room for. */
const SKIPPED = join(...Array.from({ length: 4 }, () => wire.frame(0x8f, 1, new Uint8Array(16_000))))

const KEPT = 'what waits is copied out of what came with it, and small pieces are joined'

/** A byte on each of these streams with each message of Noise, again and again. */
async function trickle(context: Context, lines: Line[], streamsOf: (line: Line, index: number) => LineStream[]) {
  const all = lines.map((line, index) => ({ line, said: new Session(line, context), slow: streamsOf(line, index) }))
  await pause(500)
  await context.start()
  await atOnce(context, all.length, async (index) => {
    const { line, said, slow } = all[index]!
    const filler = said.stream.frame(SKIPPED)
    if (filler === undefined || !line.isOpen) return pause(1)
    const bytes = slow.filter(({ isOpen }) => isOpen).map((stream) => stream.frame(Uint8Array.of(1)))
    await line.send(join(...bytes.filter((frame) => frame !== undefined), filler))
    context.fate.did()
    await turn()
  })
}

function gossiping(peers: number) {
  return async (context: Context): Promise<void> => {
    const all = await Promise.all(Array.from({ length: peers }, () => Gossiper.join(context)))
    const subscriptions = Array.from({ length: 4_900 }, (_, at) => ({ topic: `t${at}`, subscribe: true }))
    for (const { stream } of all) {
      // Its rate is used up, so what follows waits: a frame that never ends.
      for (let round = 0; round < 6; round++) await stream.send(rpc({ subscriptions }))
      await stream.send(wire.varint(900_000))
    }
    await trickle(
      context,
      all.map(({ line }) => line),
      (_, index) => [all[index]!.stream],
    )
  }
}

/** So many streams on each of some lines, which begin with this. */
function begun(lines: number, streams: number, protocol: string, first: () => Uint8Array) {
  return async (context: Context): Promise<void> => {
    const all = await Promise.all(Array.from({ length: lines }, () => Line.open(context)))
    await trickle(context, all, (line) => Array.from({ length: streams }, () => line.stream(protocol, first())))
  }
}

export const pins: Attack[] = [
  {
    name: 'gossip-pins',
    does: 'Ten members send a byte of gossip with 64 kB of something else, again and again, while their gossip waits.',
    harmless: KEPT,
    run: gossiping(10),
  },
  { name: 'gossip-pins-one', does: 'One member does the same.', harmless: KEPT, run: gossiping(1) },
  {
    name: 'v1-pins',
    does: 'Eight peers send a byte of each of 30 large requests of version 1 with 64 kB of something else, again and again.',
    harmless: KEPT,
    run: begun(8, 30, '/tinyp2p/req-resp/1.0.0', () => join(wire.varint(1_040_000), random(1_000))),
  },
  {
    name: 'words-pins',
    does: 'Eight peers propose a protocol of 1,000 letters on each of 30 streams, a byte with 64 kB of something else, again and again.',
    harmless: KEPT,
    run: begun(8, 30, '/nobody/0', () => Uint8Array.of(0xe8, 7)),
  },
]
