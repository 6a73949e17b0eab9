/**
 * A process that freezes (SIGSTOP) at a chosen moment of its connection's life, and its replacement, which has the same secret.
 * Sockets of this machine's loopback interface; a relay between the two nodes knows how far the connection has come.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { newSecret } from 'tinyp2p'
import { AnotherProcess } from '../support/another-process.js'
import type { Orders } from '../support/child-node.js'
import { bundle } from './program.js'
import { answered, answers, pause } from './scenarios/scenario.js'

const TOPIC = 'news'
/** A connection on which nothing has come for so long, ms, is as far as it gets by itself. */
const SILENCE = 400
const childNode = new URL('../support/child-node.ts', import.meta.url)

export interface Moment {
  name: string
  /** Which of both dials the other. */
  dials: 'we' | 'the frozen one'
  /** Freezes it when so many pieces have gone over the relay, in both directions together. Absent: once all is quiet. */
  after?: number
  /** What goes on then. */
  under?: 'a request' | 'a stream' | 'gossip'
}

/** Forwards TCP connections, and stops for a moment when it is told to. */
class Relay {
  pieces = 0
  private readonly sockets = new Set<Socket>()
  private last = performance.now()
  private reached: (() => Promise<void>) | undefined
  private mark = Infinity

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Relay> {
    const server = createServer({ noDelay: true })
    const relay = new Relay(server)
    server.on('connection', (inner) => {
      const outer = connect({ host: '127.0.0.1', port, noDelay: true })
      relay.join(inner, outer)
      relay.join(outer, inner)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return relay
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Calls it when so many pieces have come, before the last of them is handed on; resolves after that. */
  at(pieces: number, act: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.mark = pieces
      this.reached = () => act().then(resolve, reject)
      if (pieces === 0) this.pass().catch(reject)
    })
  }

  async quiet(): Promise<void> {
    while (performance.now() - this.last < SILENCE) await pause(20)
  }

  end(): void {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
  }

  private join(from: Socket, to: Socket): void {
    this.sockets.add(from)
    from.on('error', () => to.destroy()).on('close', () => to.destroy())
    from.on('data', (data) => {
      this.pieces++
      this.last = performance.now()
      from.pause()
      void this.pass().then(() => {
        to.write(data)
        from.resume()
      })
    })
  }

  private async pass(): Promise<void> {
    const { reached } = this
    if (reached === undefined || this.pieces < this.mark) return
    this.reached = undefined
    await reached()
  }
}

/** Gives the time from when the replacement has asked us, and was answered, until one of our requests to it by its id is, ms. */
export async function untilReplaced(moment: Moment, patience: number): Promise<number> {
  const options = { program: await bundle(childNode) }
  const secret = newSecret()
  const answersOf: Orders['start']['answers'] =
    moment.under === 'a request' ? 'never' : moment.under === 'a stream' ? 'endless' : 'echo'
  const config = moment.under === 'gossip' ? { topics: [TOPIC] } : {}
  const us = await AnotherProcess.start(config, 'echo', options)
  const processes = [us]
  const weDial = moment.dials === 'we'
  let relay: Relay | undefined
  try {
    // The relay must be there before the one that dials through it.
    if (!weDial) relay = await Relay.to(portOf(us))
    const old = await AnotherProcess.start({ ...config, secret }, answersOf, options)
    processes.push(old)
    relay ??= await Relay.to(portOf(old))
    const [dialler, dialled] = weDial ? [us, old] : [old, us]
    const address = `/ip4/127.0.0.1/tcp/${relay.port}/p2p/${dialled.peerId}`
    const frozen = moment.after === undefined ? undefined : relay.at(moment.after, () => old.pause())
    const dialling = dialler.order('dial', { address })
    dialling.catch(() => undefined)
    if (frozen === undefined) {
      await dialling
      await relay.quiet()
      await begin(moment.under, us, old)
      await old.pause()
    } else {
      // Should fewer pieces be all: when no more come.
      const over = dialling.then(() => relay?.quiet()).then(() => old.pause())
      await Promise.race([frozen, over.catch(() => frozen)])
    }

    const twin = await AnotherProcess.start({ ...config, secret, bootNodes: us.addresses }, 'echo', options)
    processes.push(twin)
    if (!(await answers(twin, us.peerId, 5_000))) throw new Error('the replacement was not answered')
    return await answered(us, twin.peerId, { patience })
  } finally {
    await Promise.all(processes.map((one) => one.kill()))
    relay?.end()
  }
}

async function begin(what: Moment['under'], us: AnotherProcess, old: AnotherProcess): Promise<void> {
  switch (what) {
    case 'a request':
      await us.order('requests', { peer: old.peerId, amount: 1 })
      break
    case 'a stream':
      us.order('read', { peer: old.peerId, values: 1_000_000, pace: 1 }).catch(() => undefined)
      break
    case 'gossip':
      await us.order('meshed', { topic: TOPIC, amount: 1, within: 10_000 })
      break
    case undefined:
      return
  }
  await pause(200)
}

function portOf({ address }: AnotherProcess): number {
  return Number(address.split('/')[4])
}
