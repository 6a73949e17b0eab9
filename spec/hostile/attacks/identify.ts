/** Identify and ping: what a peer says of itself, again and again, and what it asks. */
import { join } from '../../support/bytes.js'
import { SYN, data, greeting } from '../tools/frames.js'
import { guest, IDENTIFY, PING, PUSH } from '../tools/guest.js'
import { Line } from '../tools/line.js'
import { address, identifyMessage, random } from '../tools/protobuf.js'
import { flood } from './streams.js'
import { often, pause, turn, atOnce, type Attack, type Context } from './attack.js'

/** All that fits into 8 KiB. */
function saysOf(seed: number) {
  return {
    addresses: Array.from({ length: 250 }, (_, at) => address(`/ip4/10.${seed & 255}.${at}.1/tcp/4001`)),
    protocols: ['/ipfs/id/1.0.0', ...Array.from({ length: 200 }, (_, at) => `/x/${seed}/${at}`)],
  }
}

/** Some, made once. */
const all = Array.from({ length: 50 }, (_, seed) => saysOf(seed))
const much = (round: number) => all[round % all.length]!

const ESCAPES = '\u001b[2J\u001b[31mroot\n\r'

/** Connects, tells much of itself, and goes, so often in a second. */
function churn(perSecond: number) {
  return async (context: Context): Promise<void> => {
    await context.start()
    await often(context, perSecond, (round) => {
      void guest(context, { says: much(round) })
        .then(async (line) => {
          context.fate.did()
          await pause(200)
          await line.end()
        })
        .catch(() => undefined)
    })
  }
}

/** Pushes an identify, as fast as it can. */
async function pushes(context: Context, says: (round: number) => Parameters<typeof identifyMessage>[0]): Promise<void> {
  const messages = Array.from({ length: 50 }, (_, round) => identifyMessage(says(round)))
  let round = 0
  const push = (line: Line): Uint8Array => {
    const message = messages[round++ % messages.length]!
    return data(line.freshId(), join(greeting(PUSH), message), SYN | 4)
  }
  // What waits in buffers, because the victim reads it late, is not done yet.
  await flood(context, push, { count: 0, before: (line) => (line.onHeard = () => context.fate.did()) })
}

export const identify: Attack[] = [
  { name: 'churn', does: '50 peers a second connect, say much of themselves, and go.', run: churn(50) },
  {
    name: 'identify-asks',
    does: 'One peer asks the victim who it is, as fast as it can, and reads the answers.',
    run: (context) =>
      flood(
        context,
        (line) => join(...Array.from({ length: 20 }, () => data(line.freshId(), greeting(IDENTIFY), SYN))),
        { count: 20 },
      ),
  },
  {
    name: 'identify-pushes',
    does: 'One peer tells the victim 200 protocols and 250 addresses of its own, others each time, as fast as it can.',
    run: (context) => pushes(context, much),
  },
  {
    name: 'identify-pushes-small',
    does: 'One peer tells the victim that it is there, as fast as it can.',
    run: (context) => pushes(context, () => ({ protocols: [IDENTIFY] })),
  },
  {
    name: 'identify-lies',
    does: 'Ten peers a second come with escapes for terminals in their names, and addresses of others.',
    // For what it costs. That text is cleaned, errors-spec, log-spec and refusals-spec hold; what is kept, identify-hostile-spec.
    harmless: 'what is kept is text, and addresses are not dialled',
    async run(context) {
      await context.start()
      const says = { agent: ESCAPES.repeat(50), protocols: [ESCAPES], addresses: [address('/dns4/a.invalid/tcp/1')] }
      await often(context, 10, () => {
        context.fate.did()
        void guest(context, { says }).catch(() => undefined)
      })
    },
  },
  {
    name: 'identify-huge',
    does: 'One peer answers who it is with 100 MB, on ten connections.',
    // Stock identify reads no more either. What comes behind it is cut off: identify-hostile-spec, "a stream of which no more is wanted".
    harmless: 'no more of it is read than 8 KiB',
    async run(context) {
      await context.start()
      const serve = {
        [IDENTIFY]: (stream: { send(bytes: Uint8Array): Promise<void> }) => void stream.send(new Uint8Array(1e8)),
      }
      await Promise.all(Array.from({ length: 10 }, () => guest(context, { serve }).catch(() => undefined)))
      context.fate.did(10)
      await context.over
    },
  },
  {
    name: 'ping-flood',
    does: 'One peer pings on eight streams, as fast as it can, and reads the answers.',
    run: (context) => pings(context, 8, 32 * 100, true),
  },
  {
    name: 'ping-large',
    does: 'One peer sends megabytes on eight streams of ping, and reads nothing.',
    run: (context) => pings(context, 8, 1_000_000, false),
  },
]

async function pings(context: Context, streams: number, size: number, reads: boolean): Promise<void> {
  let line = await Line.open(context)
  const open = () => {
    const stream = line.stream(PING)
    stream.reads = reads
    return stream
  }
  const opened = Array.from({ length: streams }, open)
  const bytes = random(size)
  await context.start()
  await atOnce(context, streams, async (index) => {
    if (!opened[index]!.isOpen) {
      // What was sent with the one for which it was reset.
      context.fate.refused('stream reset', Math.ceil(size / 32) - 1)
      await pause(100)
      if (!line.isOpen) line = await Line.open(context)
      opened[index] = open()
    }
    await opened[index]!.send(bytes)
    context.fate.did(Math.ceil(size / 32))
    await turn()
  })
}
