/**
 * The load on a node in a process of its own: it asks others at random, answers them, broadcasts and hears. Each of these is
 * a line in a file before anything else happens to it, so what is known of a process does not end with it.
 */
import { openSync, writeSync } from 'node:fs'
import { P2pError, type P2pNode } from 'tinyp2p'
import { Random } from '../../src/testing/network/random.js'
import { hashOf, titled, titleOf } from './child-broadcasts.js'

export interface LoadOrders {
  /** Answers, hears and writes down from now on, and asks `peers`. `name` is unlike that of any other process. */
  load: { name: string; file: string; topic: string; peers: string[] }
  /** Whom it asks from now on. Nobody: it broadcasts nothing either. */
  aim: { peers: string[] }
}

/**
 * A line, with its words separated by blanks:
 * - `ask <id>`, `end <id> <what> <ms>`: a request began; it ended. `what`: `answered`, the code of a P2pError, or what is wrong.
 *   `ms`: so much later than its time was over, without the time that the process did not run. Of a stream: its first value.
 * - `did <id>`: a request of another was handled here.
 * - `pub <id>`, `sent <id> <what>`: a broadcast began; it went out.
 * - `got <subscriber> <id>`: a subscriber here got one.
 * - `mem <ms> <rss> <held>`: after a collection; ms since the start, bytes; `held`: by objects and buffers.
 * - `bad <text>`: what must never be.
 */
export type Line = string[]

/** Of each request, ms. */
const TIMEOUT = 3_000
/** Between two actions of one node, a mean, ms. */
const PACE = 250
/** The share of actions that are broadcasts. */
const BROADCASTS = 0.1
const COLLECT = 5_000
/** The event loop is looked at so often, ms; what a look is later than that and some more counts as time that did not pass here. */
const WATCH = 20
const LATE = 10

/** What a request wants done, with the share of it. */
const KINDS = [
  ['echo', 0.8],
  ['values', 0.1],
  ['slow', 0.06],
  ['never', 0.02],
  ['throw', 0.02],
] as const
const VALUES = 5

let aim: string[] = []

export function obeyAboutLoad(node: P2pNode, name: keyof LoadOrders, args: object): void {
  if (name === 'load') load(node, args as LoadOrders['load'])
  else aim = (args as LoadOrders['aim']).peers
}

function load(node: P2pNode, { name, file, topic, peers }: LoadOrders['load']): void {
  const descriptor = openSync(file, 'a')
  const note = (...words: (string | number)[]): void => {
    writeSync(descriptor, `${words.join(' ').replaceAll('\n', ' ⏎ ')}\n`)
  }
  const bad = (what: string, error: unknown): void =>
    note('bad', what, error instanceof Error ? String(error.stack) : String(error))
  process.on('unhandledRejection', (reason) => bad('nobody handles', reason))
  process.on('uncaughtException', (error) => bad('nobody catches', error))
  // A drain names a peer that hangs, and in chaos there is such a peer.
  void node.closed.then((reason) => reason !== undefined && reason.code !== 'NodeStopped' && bad('closed', reason))
  const asleep = watchSleep()
  watchMemory(note)
  answer(node, note)
  node.broadcasts$(topic, { replay: 50 }).subscribe(({ data }) => hear('late', data))
  node.broadcasts$(topic).subscribe(({ data }) => hear('new', data))
  aim = peers

  function hear(subscriber: string, data: Uint8Array): void {
    note('got', subscriber, titleOf(data).split(' ')[0]!)
  }

  const random = new Random(name)
  let number = 0
  act()

  function act(): void {
    setTimeout(act, -Math.log(1 - random.float()) * PACE).unref()
    if (aim.length === 0) return
    const id = `${name}/${++number}`
    if (random.float() < BROADCASTS) void publish(id)
    else void ask(id, aim[random.below(aim.length)]!)
  }

  async function publish(id: string): Promise<void> {
    note('pub', id)
    const sent = node.broadcast(topic, titled(id, sizeOf()))
    await sent.then(
      ({ recipients }) => note('sent', id, recipients.length),
      (error: unknown) => note('sent', id, codeOf(error)),
    )
  }

  async function ask(id: string, peer: string): Promise<void> {
    const start = performance.now() - asleep()
    let end: number | undefined
    const ends = (): number => (end ??= performance.now() - asleep())
    note('ask', id)
    const kind = kindOf()
    const data = titled(`${id} ${kind}`, sizeOf())
    const leaves = random.float() < 0.2
    const what = await (kind === 'values' ? values(data, peer, leaves, ends) : one(data, peer)).catch(codeOf)
    note('end', id, what, Math.ceil(ends() - start - TIMEOUT))
  }

  async function one(data: Uint8Array, peer: string): Promise<string> {
    const reply = await node.request(peer, data, { timeout: TIMEOUT })
    return hashOf(reply) === hashOf(data) ? 'answered' : 'wrong-reply'
  }

  /** Its timeout holds until the first value. */
  async function values(data: Uint8Array, peer: string, leaves: boolean, first: () => void): Promise<string> {
    let last = 0
    for await (const value of node.request$(peer, data, { timeout: TIMEOUT })) {
      first()
      if (value[0] !== ++last) return 'wrong-value'
      if (leaves) return 'answered'
    }
    return last === VALUES ? 'answered' : 'too-few-values'
  }

  function kindOf(): string {
    let draw = random.float()
    for (const [kind, share] of KINDS) {
      draw -= share
      if (draw < 0) return kind
    }
    return KINDS[0][0]
  }

  /** Mostly small. */
  function sizeOf(): number {
    const draw = random.float()
    return draw < 0.8 ? 100 : draw < 0.97 ? 2_000 : 100_000
  }
}

function answer(node: P2pNode, note: (...words: string[]) => void): void {
  node.setEventHandler({
    handleInboundRequest: (data) => {
      const [id = '', kind] = titleOf(data).split(' ')
      if (kind !== undefined) note('did', id)
      switch (kind) {
        case 'values':
          return counted()
        case 'slow':
          return new Promise((resolve) => setTimeout(resolve, TIMEOUT / 3, data))
        case 'never':
          return new Promise(() => undefined)
        case 'throw':
          throw new Error('as it was asked to')
        default:
          return data
      }
    },
  })
}

async function* counted(): AsyncGenerator<Uint8Array> {
  for (let value = 1; value <= VALUES; value++) {
    yield new Uint8Array([value])
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function codeOf(error: unknown): string {
  return error instanceof P2pError ? error.code : `untyped:${String(error).replaceAll(/\s/g, '_')}`
}

/** Gives how long the process has not run so far, ms. */
function watchSleep(): () => number {
  let sum = 0
  let last = performance.now()
  const look = (): number => {
    const now = performance.now()
    sum += Math.max(0, now - last - WATCH - LATE)
    last = now
    return sum
  }
  setInterval(look, WATCH).unref()
  return look
}

function watchMemory(note: (...words: (string | number)[]) => void): void {
  const look = (): void => {
    gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    note('mem', Math.round(performance.now()), rss, heapUsed + external)
  }
  setInterval(look, COLLECT).unref()
}
