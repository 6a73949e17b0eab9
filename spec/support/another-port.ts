/** A port in a process of its own, to be frozen and killed. Specs end all of them by `endPorts`. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { endChildren } from './another-process.js'

const program = fileURLToPath(new URL('child-port.ts', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const children = new Set<ChildProcess>()

/** For `afterEach`. */
export const endPorts = (): Promise<void> => endChildren(children)

export class AnotherPort {
  /** The exit code; `null` when a signal killed it. */
  readonly exit: Promise<number | null>

  private constructor(
    private readonly child: ChildProcess,
    readonly id: string,
    readonly address: string,
  ) {
    this.exit = once(child, 'exit').then(([code]) => code as number | null)
  }

  /** Listens, and is in these topics. */
  static async start(...topics: string[]): Promise<AnotherPort> {
    const child = spawn(process.execPath, ['--import', 'tsx', program, ...topics], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    children.add(child)
    const [{ id, address }] = (await once(child, 'message')) as [{ id: string; address: string }]
    return new AnotherPort(child, id, address)
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Tells it to end in good order. */
  stop(): void {
    this.child.send('stop')
  }
}
