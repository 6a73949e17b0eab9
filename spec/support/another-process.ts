/** A node in a process of its own: started, ordered about, killed by its pid. Specs end all of them by `endProcesses`. */
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BroadcastOptions, BroadcastsOptions, NodeConfig, PeerExplanation, TopicExplanation } from 'tinyp2p'
import { readJournal, type BroadcastOrders, type Noted, type Sent } from './child-broadcasts.js'
import type { Order, Orders, Reply } from './child-node.js'

const ps = promisify(execFile)
const source = fileURLToPath(new URL('child-node.ts', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const children = new Set<ChildProcess>()
let folder: string | undefined
let journals = 0

/** Kills those that still run, and forgets all of them. */
export async function endChildren(all: Set<ChildProcess>): Promise<void> {
  const alive = [...all].filter((child) => child.exitCode === null && child.signalCode === null)
  all.clear()
  await Promise.all(
    alive.map(async (child) => {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }),
  )
}

/** For `afterEach` or `afterAll`. */
export async function endProcesses(): Promise<void> {
  await endChildren(children)
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  folder = undefined
}

export class AnotherProcess {
  peerId = ''
  addresses: string[] = []
  /** The process's exit code; `null` when a signal killed it. */
  readonly exit: Promise<number | null>
  private last = 0
  private readonly waiting = new Map<number, (reply: Reply) => void>()
  private readonly journals = new Map<string, string>()

  private constructor(private readonly child: ChildProcess) {
    children.add(child)
    this.exit = once(child, 'exit').then(([code]) => code as number | null)
    child.on('message', (reply: Reply) => {
      this.waiting.get(reply.id)?.(reply)
      this.waiting.delete(reply.id)
    })
    child.on('exit', () => {
      for (const settle of this.waiting.values()) settle({ id: 0, error: { code: undefined, message: 'it died' } })
    })
  }

  /**
   * `runner`: a program that runs node, with its arguments before node's, such as `ip netns exec <name>`. `program`:
   * child-node.ts as a bundle, which starts sooner. `denied`: peers that it may not dial, and that may not dial it.
   */
  static async start(
    config: NodeConfig = {},
    answers: Orders['start']['answers'] = 'echo',
    { runner = [], program, denied }: { runner?: string[]; program?: string; denied?: string[] } = {},
  ): Promise<AnotherProcess> {
    const [execPath = '', ...args] = [...runner, process.execPath]
    const execArgv = [...args, ...(program === undefined ? ['--import', 'tsx'] : []), '--expose-gc']
    const child = fork(program ?? source, { cwd: root, execPath, execArgv, serialization: 'advanced' })
    const other = new AnotherProcess(child)
    const listen = '/ip4/127.0.0.1/tcp/0'
    const started = await other.order('start', { config: { listen, ...config }, answers, ...(denied && { denied }) })
    return Object.assign(other, started as { peerId: string; addresses: string[] })
  }

  get pid(): number {
    return this.child.pid!
  }

  get address(): string {
    return this.addresses[0]!
  }

  /** Has it do something; rejects with its error's code and message. */
  async order<Name extends keyof Orders>(name: Name, args: Orders[Name]): Promise<unknown> {
    const id = ++this.last
    const order: Order<Name> = { id, name, args }
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.set(id, resolve)
      this.child.send(order)
    })
    if (reply.error !== undefined) throw Object.assign(new Error(reply.error.message), { code: reply.error.code })
    return reply.value
  }

  /** What its heap takes once all garbage is gone, bytes. */
  memory(): Promise<number> {
    return this.order('memory', {}) as Promise<number>
  }

  /** Writes down what it hears from now on, as one JSON object a line: `journal` reads that. */
  async writes(topic: string, options: BroadcastsOptions = {}): Promise<void> {
    folder ??= mkdtempSync(join(tmpdir(), 'tinyp2p-journals-'))
    const file = join(folder, `${++journals}.jsonl`)
    this.journals.set(topic, file)
    await this.order('write', { topic, file, options })
  }

  /** What it has written down, read from its file: it may be stopped or dead. */
  journal(topic: string): Noted[] {
    const file = this.journals.get(topic)
    return file === undefined ? [] : readJournal(file)
  }

  /** As `journal`, once there are so many lines. */
  async wrote(topic: string, amount: number, within = 15_000): Promise<Noted[]> {
    await this.order('wrote', { topic, amount, within })
    return this.journal(topic)
  }

  /** Resolves once there is a line with this text. */
  async wroteText(topic: string, text: string, within = 15_000): Promise<void> {
    await this.order('wroteText', { topic, text, within })
  }

  broadcast(topic: string, data: Uint8Array, options: BroadcastOptions = {}): Promise<Sent> {
    return this.order('broadcast', { topic, data, options }) as Promise<Sent>
  }

  /** Broadcasts `<name> 0`, `<name> 1`, … of that many bytes each, all at once. */
  burst(args: BroadcastOrders['burst']): Promise<Sent[]> {
    return this.order('burst', args) as Promise<Sent[]>
  }

  explainTopic(topic: string): Promise<TopicExplanation> {
    return this.order('explain', { about: { topic } }) as Promise<TopicExplanation>
  }

  explainPeer(peer: string): Promise<PeerExplanation> {
    return this.order('explain', { about: { peer } }) as Promise<PeerExplanation>
  }

  /** SIGSTOP: its sockets stay open, and nobody reads. Resolves when it has stopped. */
  async pause(): Promise<void> {
    this.child.kill('SIGSTOP')
    let state = ''
    while (!state.startsWith('T')) ({ stdout: state } = await ps('ps', ['-o', 'stat=', '-p', String(this.child.pid)]))
  }

  /** SIGCONT. */
  resume(): void {
    this.child.kill('SIGCONT')
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exit
  }
}
