/** A node in a process of its own: started, ordered about, killed by its pid. Specs end all of them by `endProcesses`. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { NodeConfig } from 'tinyp2p'
import type { Order, Orders, Reply } from './child-node.js'

const program = fileURLToPath(new URL('child-node.ts', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const children = new Set<ChildProcess>()

/** For `afterEach` or `afterAll`. */
export async function endProcesses(): Promise<void> {
  const alive = [...children].filter((child) => child.exitCode === null && child.signalCode === null)
  children.clear()
  await Promise.all(
    alive.map(async (child) => {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }),
  )
}

export class AnotherProcess {
  peerId = ''
  addresses: string[] = []
  /** The process's exit code; `null` when a signal killed it. */
  readonly exit: Promise<number | null>
  private last = 0
  private readonly waiting = new Map<number, (reply: Reply) => void>()

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

  /** `runner`: a program that runs node, with its arguments before node's, such as `ip netns exec <name>`. */
  static async start(
    config: NodeConfig = {},
    answers: Orders['start']['answers'] = 'echo',
    runner: string[] = [],
  ): Promise<AnotherProcess> {
    const [execPath = '', ...args] = [...runner, process.execPath]
    const execArgv = [...args, '--import', 'tsx', '--expose-gc']
    const child = fork(program, { cwd: root, execPath, execArgv, serialization: 'advanced' })
    const other = new AnotherProcess(child)
    const listen = '/ip4/127.0.0.1/tcp/0'
    const started = await other.order('start', { config: { listen, ...config }, answers })
    return Object.assign(other, started as { peerId: string; addresses: string[] })
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

  /** kill -9. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exit
  }
}
