/** A network namespace, and the processes in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { Carrier } from './carrier.js'
import { carrier, env } from './program.js'

const PATIENCE = 5_000

export class Place {
  /** What runs a command here: put it before the command. The command ends with its parent, even if it is frozen. */
  readonly runner: readonly string[]
  /** As in /proc/<pid>/ns of all processes here. */
  private readonly inode: string

  protected constructor(
    readonly name: string,
    protected readonly links: Carrier,
    readonly namespace: string,
  ) {
    this.runner = [carrier(), 'exec', namespace]
    this.inode = readlinkSync(namespace)
  }

  /** Runs a command to its end; gives its output. @throws when it fails */
  async exec(command: string, args: string[] = [], input = ''): Promise<string> {
    const [file, ...before] = this.runner
    const child = spawn(file!, [...before, command, ...args], { env, stdio: 'pipe' })
    child.stdin.on('error', () => {}) // Its code says more.
    child.stdin.end(input)
    const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    if (child.exitCode !== 0) throw new Error(`${this.name}: ${command} ${args.join(' ')}: ${error}`)
    return out
  }

  /** `ip -batch`. */
  protected async ip(...lines: string[]): Promise<void> {
    await this.exec('ip', ['-batch', '-'], lines.map((line) => `${line}\n`).join(''))
  }

  /** SIGSTOP to all that runs here now: their sockets stay open, the kernel goes on acknowledging, nobody reads. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP')
    await eventually(`${this.name} does not stop`, () => this.pids().every((pid) => stateOf(pid) === 'T'))
  }

  /** SIGCONT. */
  thaw(): void {
    this.signal('SIGCONT')
  }

  /** SIGKILL to all that runs here. The kernel closes their connections. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await eventually(`${this.name} does not die`, () => this.pids().length === 0)
  }

  private signal(signal: NodeJS.Signals): void {
    for (const pid of this.pids()) {
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended.
      }
    }
  }

  private pids(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && namespaceOf(pid) === this.inode)
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

function stateOf(pid: number): string | undefined {
  try {
    // The name, in brackets, may have anything in it.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0]
  } catch {
    return 'T' // It is gone.
  }
}

async function eventually(complaint: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!holds()) {
    if (performance.now() > end) throw new Error(complaint)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
