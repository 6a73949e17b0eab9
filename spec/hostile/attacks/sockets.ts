/** Places for connections: sockets, handshakes, identities. */
import { connect, type Socket } from 'node:net'
import { Line, ATTACKERS } from '../tools/line.js'
import { word, MULTISTREAM } from '../tools/frames.js'
import { often, pause, atOnce, type Attack, type Context } from './attack.js'

/** A socket that is counted, and tells of its end. `open`: has been closed by the victim. */
function socket(context: Context, from: string, ended: () => void): Socket {
  const { fate, victim } = context
  let isOpen = false
  const one = connect({ port: victim.port, host: '127.0.0.1', localAddress: from, noDelay: true })
  one.on('connect', () => {
    isOpen = true
    fate.line()
    fate.did()
  })
  one.on('error', (error: NodeJS.ErrnoException) => (isOpen ? undefined : fate.refused(error.code ?? error.message)))
  one.on('data', () => undefined)
  one.on('close', () => {
    if (isOpen && !context.signal.aborted) fate.gone('closed')
    ended()
  })
  return one
}

/** So many at a time, from one address; where one ends, another one comes. `say`: what is done with each. */
async function refill(context: Context, amount: number, say: (socket: Socket) => void = () => {}): Promise<void> {
  await context.start()
  let open = 0
  const all = new Set<Socket>()
  while (!context.signal.aborted) {
    for (let fresh = 0; open < amount && fresh < 100; fresh++) {
      open++
      const one = socket(context, ATTACKERS, () => {
        open--
        all.delete(one)
      })
      all.add(one)
      say(one)
    }
    await pause(20)
  }
  for (const one of all) one.destroy()
}

/** The first words of a handshake, and then the length of a Noise message a byte a second. */
function drip(one: Socket): void {
  one.on('connect', () => {
    one.write(Buffer.concat([word(MULTISTREAM), word('/noise')]))
    const rest = Buffer.concat([Buffer.of(0, 32), Buffer.alloc(32, 7)])
    let at = 0
    const timer = setInterval(() => one.write(rest.subarray(at, ++at)), 1_000)
    one.on('close', () => clearInterval(timer))
  })
}

/** A connection each so many ms, on which these bytes are said at once. */
function says(name: string, what: string, every: number, bytes: Uint8Array): Attack {
  return {
    name,
    does: `Once in ${every / 1_000} s a socket says ${what} in place of a handshake.`,
    async run(context) {
      await context.start()
      await often(context, 1_000 / every, (count) => {
        const one = socket(context, `127.0.0.${10 + (count % 100)}`, () => undefined)
        one.on('connect', () => one.write(bytes))
      })
    },
  }
}

const words = (amount: number): Uint8Array =>
  Buffer.concat([word(MULTISTREAM), Buffer.alloc(2 * amount, Buffer.of(1, 10))])

/** A line that stays, and does something now and then; one that cannot come in waits a little. */
async function guest(context: Context, from: string, busy?: (line: Line) => void): Promise<void> {
  const line = await Line.open(context, { from })
  context.fate.did()
  while (line.isOpen && !context.signal.aborted) {
    busy?.(line)
    await pause(200)
  }
  if (!context.signal.aborted) await line.end()
}

function ask(line: Line): void {
  for (let i = 0; i < 5; i++) line.stream('/tinyp2p/req-resp/1.0.0', Uint8Array.of(1, 0)).end()
}

export const sockets: Attack[] = [
  says('words-short', '16,000 proposals of two bytes', 1_000, words(16_000)),
  says('words-short-many', '400,000 proposals of two bytes', 3_000, words(400_000)),
  {
    ...says('words-endless', 'a length of 1 MB', 1_000, Buffer.alloc(1_000_000, 0x80)),
    harmless: 'no more of it is read than a handshake needs',
  },
  {
    name: 'sockets-silent',
    does: '310 sockets of one address connect and say nothing; those that are closed are opened anew.',
    run: (context) => refill(context, 310),
  },
  {
    name: 'sockets-silent-many',
    does: '2,000 sockets of one address connect and say nothing; those that are closed are opened anew.',
    run: (context) => refill(context, 2_000),
  },
  {
    name: 'handshake-slow',
    does: '310 sockets begin a handshake, and send a byte of it a second.',
    run: (context) => refill(context, 310, drip),
  },
  {
    name: 'identities-idle',
    does: '500 identities of one address connect and do nothing; those that are closed come back.',
    async run(context) {
      await context.start()
      await atOnce(context, 500, () => guest(context, ATTACKERS))
    },
  },
  {
    name: 'identities-busy',
    does: '500 identities of one address connect and ask five requests each, five times a second.',
    async run(context) {
      await context.start()
      await atOnce(context, 500, () => guest(context, ATTACKERS, ask))
    },
  },
  {
    name: 'identities-many-addresses',
    does: '500 identities of 250 addresses connect and do nothing; those that are closed come back.',
    async run(context) {
      await context.start()
      await atOnce(context, 500, (index) => guest(context, `127.0.${1 + (index % 250)}.1`))
    },
  },
  {
    name: 'connections-of-one',
    does: 'One identity opens connection after connection, and keeps them.',
    // 8, and those that do not know yet that they are over. Without places by peer it has the 64 of a range, and those.
    own: { what: 'connections that it keeps', most: 50 },
    async run(context) {
      const { generateKeyPair } = await import('@libp2p/crypto/keys')
      const privateKey = await generateKeyPair('Ed25519')
      const { fate } = context
      const open = new Set<Line>()
      await context.start()
      fate.figure = 0
      const begun = performance.now()
      await often(context, 100, () => {
        const opened = (line: Line): void => {
          fate.did()
          open.add(line)
          if (performance.now() > begun + 1_500) fate.figure = Math.max(fate.figure!, open.size)
          void line.closed.then(() => open.delete(line))
        }
        void Line.open(context, { privateKey }).then(opened, () => undefined)
      })
    },
  },
]
