/**
 * What a node in a process of its own does about broadcasts: it writes down each one that it is given, as a JSON object a
 * line, at once. So whatever becomes of the process, its file says what it has heard.
 */
import { createHash } from 'node:crypto'
import { openSync, readFileSync, writeSync } from 'node:fs'
import { concat, filter, firstValueFrom, of, Subject, tap, throwError, timeout, type Observable } from 'rxjs'
import {
  P2pError,
  type Broadcast,
  type BroadcastOptions,
  type BroadcastsOptions,
  type P2pNode,
  type Receipt,
} from 'tinyp2p'

export interface BroadcastOrders {
  /** Subscribes, and writes what comes into the file. */
  write: { topic: string; file: string; options: BroadcastsOptions }
  /** Resolves when there are so many lines; rejects when none has come for `within` ms. */
  wrote: { topic: string; amount: number; within: number }
  /** As `wrote`, for a line with this text. */
  wroteText: { topic: string; text: string; within: number }
  /** What the node has counted against the peer, and how it stands with it, once it has counted so much for this reason. */
  dropped: { peer: string; reason: string; amount: number; within: number }
  broadcast: { topic: string; data: Uint8Array; options: BroadcastOptions }
  burst: { topic: string; name: string; amount: number; size: number; options?: BroadcastOptions }
  joined: { topic: string }
  /** Resolves when so many peers are in its mesh. */
  meshed: { topic: string; amount: number; within: number }
  /** Judges messages by their first word, see `byWord`. */
  validate: { topic: string; after?: number }
  explain: { about: { topic: string } | { peer: string } }
  status: object
}

/** A line: a broadcast that was delivered. */
export interface Noted {
  /** The data up to its first zero. */
  text: string
  size: number
  /** Of all of the data. */
  hash: string
  from: string
  via: string
  /** When, ms since 1970. */
  at: number
}

/** What became of a broadcast: recipients, or the code of the error. With receipts, those that had come when they completed. */
export interface Sent {
  recipients?: string[]
  receipts?: Receipt[]
  code?: string
}

interface Journal {
  lines: number
  texts: Set<string>
  grown$: Subject<number>
}

const journals = new Map<string, Journal>()

export function obeyAboutBroadcasts(node: P2pNode, name: string, args: object): unknown {
  switch (name as keyof BroadcastOrders) {
    case 'write':
      return write(node, args as BroadcastOrders['write'])
    case 'wrote': {
      const { topic, amount, within } = args as BroadcastOrders['wrote']
      const { lines, grown$ } = journals.get(topic)!
      return grownTo(concat(of(lines), grown$), amount, within)
    }
    case 'wroteText': {
      const { topic, text, within } = args as BroadcastOrders['wroteText']
      const { texts, grown$ } = journals.get(topic)!
      const later$ = grown$.pipe(filter(() => texts.has(text)))
      return texts.has(text) || firstValueFrom(later$.pipe(timeout(within)))
    }
    case 'dropped':
      return counted(node, args as BroadcastOrders['dropped'])
    case 'broadcast': {
      const { topic, data, options } = args as BroadcastOrders['broadcast']
      return send(node, topic, data, options)
    }
    case 'burst': {
      const { topic, name: title, amount, size, options } = args as BroadcastOrders['burst']
      return burst(node, topic, title, amount, size, options)
    }
    case 'joined':
      return node.joined((args as BroadcastOrders['joined']).topic)
    case 'meshed':
      return meshed(node, args as BroadcastOrders['meshed'])
    case 'validate': {
      const { topic, after } = args as BroadcastOrders['validate']
      return node.validate(topic, byWord(after))
    }
    case 'explain':
      return node.explain((args as BroadcastOrders['explain']).about as { topic: string })
    case 'status':
      return node.status()
  }
}

/** As long as lines come, there is hope. */
function grownTo(grown$: Observable<number>, amount: number, within: number): Promise<number> {
  let lines = 0
  const with$ = () => throwError(() => new Error(`no line after ${lines} of ${amount} within ${within} ms`))
  return firstValueFrom(
    grown$.pipe(
      tap((now) => (lines = now)),
      timeout({ each: within, with: with$ }),
      filter((now) => now >= amount),
    ),
  )
}

function write(node: P2pNode, { topic, file, options }: BroadcastOrders['write']): void {
  const descriptor = openSync(file, 'a')
  const journal: Journal = { lines: 0, texts: new Set(), grown$: new Subject() }
  journals.set(topic, journal)
  node.broadcasts$(topic, options).subscribe((broadcast) => {
    const line = noted(broadcast)
    writeSync(descriptor, `${JSON.stringify(line)}\n`)
    journal.texts.add(line.text)
    journal.grown$.next(++journal.lines)
  })
}

/** Looks again and again: what is counted of a peer is no event. */
async function counted(
  node: P2pNode,
  { peer, reason, amount, within }: BroadcastOrders['dropped'],
): Promise<{ dropped: Record<string, number>; score: number | undefined; connected: boolean }> {
  const end = performance.now() + within
  for (;;) {
    const { dropped, gossip, connections, text } = await node.explain({ peer })
    const counts: Record<string, number> = dropped
    if ((counts[reason] ?? 0) >= amount) {
      return { dropped: counts, score: gossip.score, connected: connections.length > 0 }
    }
    if (performance.now() > end) throw new Error(`no ${amount} ${reason}:\n${text}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Looks again and again: meshes are no events. */
export async function meshed(
  node: Pick<P2pNode, 'explain'>,
  { topic, amount, within }: BroadcastOrders['meshed'],
): Promise<void> {
  const end = performance.now() + within
  for (;;) {
    const { subscribers, text } = await node.explain({ topic })
    if (subscribers.filter(({ inMesh }) => inMesh).length === amount) return
    if (performance.now() > end) throw new Error(`there are no ${amount} peers in the mesh:\n${text}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export function noted({ data, from, via }: Pick<Broadcast, 'data' | 'from' | 'via'>): Noted {
  return { text: titleOf(data), size: data.length, hash: hashOf(data), from, via, at: Date.now() }
}

export function hashOf(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** What was written down is what was sent, to the last byte. */
export function isIntact({ text, size, hash }: Noted): boolean {
  return hash === hashOf(titled(text, size))
}

export function readJournal(file: string): Noted[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  // The last one is empty, or cut short by a signal.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Noted)
}

export async function send(
  node: P2pNode,
  topic: string,
  data: Uint8Array,
  options: BroadcastOptions = {},
): Promise<Sent> {
  try {
    const { recipients, receipts$ } = await node.broadcast(topic, data, options)
    if (receipts$ === undefined) return { recipients }
    const receipts: Receipt[] = []
    await receipts$.forEach((receipt) => void receipts.push(receipt))
    return { recipients, receipts }
  } catch (error) {
    if (error instanceof P2pError) return { code: error.code }
    throw error
  }
}

/** `<name> 0`, `<name> 1`, …, all at once. */
export function burst(
  node: P2pNode,
  topic: string,
  name: string,
  amount: number,
  size: number,
  options?: BroadcastOptions,
): Promise<Sent[]> {
  return Promise.all(
    Array.from({ length: amount }, (_, index) => send(node, topic, titled(`${name} ${index}`, size), options)),
  )
}

/** Bytes that begin with this text; the rest is zeros. */
export function titled(title: string, size: number): Uint8Array {
  const data = new Uint8Array(size)
  const { read } = new TextEncoder().encodeInto(title, data)
  if (read < title.length) throw new Error(`${title} does not fit into ${size} bytes`)
  return data
}

export function titleOf(data: Uint8Array): string {
  const end = data.subarray(0, 80).indexOf(0)
  return new TextDecoder().decode(data.subarray(0, end < 0 ? 80 : end))
}

/** The first word is what becomes of the message; any other word is accepted. After so many ms, or at once. */
export function byWord(after?: number) {
  const judge = (data: Uint8Array) => {
    const [word] = titleOf(data).split(' ')
    if (word === 'throw') throw new Error('this validator is broken')
    if (word === 'reject' || word === 'ignore') return word
    if (word === 'never') return new Promise<'accept'>(() => undefined)
    if (word === 'nonsense') return 'perhaps' as 'accept'
    return 'accept'
  }
  if (after === undefined) return judge
  return async (data: Uint8Array) => {
    await new Promise((resolve) => setTimeout(resolve, after))
    return judge(data)
  }
}
