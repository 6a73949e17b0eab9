/** A measured process, seen from the harness: a module whose functions are called over there. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Compiled } from './compile.js'

export interface Order {
  id: number
  name: string
  args: unknown[]
}

/** What came of an order. The one with id 0 says that the module is loaded. */
export type Outcome = { id: number; value: unknown } | { id: number; error: string }

type AnyFunction = (...args: never[]) => unknown
/** The names of a module's functions. */
type NameOf<Module> = { [Name in keyof Module]: Module[Name] extends AnyFunction ? Name : never }[keyof Module] & string
type Call<F> = F extends (...args: infer Args) => infer Value ? { args: Args; value: Awaited<Value> } : never

/** Whoever takes longer than this for an order hangs, ms. */
const PATIENCE = 60_000

const alive = new Set<ChildProcess>()

/** Ends every process that was started here and still runs. */
export async function endWorkers(): Promise<void> {
  await Promise.all([...alive].map(end))
}

async function end(child: ChildProcess): Promise<void> {
  if (!alive.has(child)) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/**
 * V8 decides once in a process's life, by chance, which literals it places among the old objects. By that a node takes 1.6 or 4 µs for a
 * request, with the same code. Without it two checkouts can be compared.
 */
const STEADY = ['--no-allocation-site-pretenuring']
let isSteady = false

/** Of all processes that are started from now on. */
export function steady(): void {
  isSteady = true
}

export class Worker<Module> {
  private last = 0
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()

  private constructor(
    private readonly child: ChildProcess,
    private readonly what: string,
  ) {
    alive.add(child)
    child.on('message', (outcome: Outcome) => {
      const waiter = this.waiting.get(outcome.id)
      this.waiting.delete(outcome.id)
      if ('error' in outcome) waiter?.reject(new Error(`${what}: ${outcome.error}`))
      else waiter?.resolve(outcome.value)
    })
    child.on('exit', (code, signal) => {
      alive.delete(child)
      for (const { reject } of this.waiting.values()) reject(new Error(`${what}: ended by ${signal ?? code}`))
      this.waiting.clear()
    })
  }

  /** `source`: the module's file in the repository. `what`: its name in errors. Resolves when the module is loaded. */
  static async start<Module>(
    compiled: Compiled,
    source: string,
    what: string,
    execArgv: string[] = [],
  ): Promise<Worker<Module>> {
    const program = compiled.path('bench/harness/child.ts')
    const flags = [...(isSteady ? STEADY : []), ...execArgv]
    const child = fork(program, [compiled.path(source)], { execArgv: flags, serialization: 'advanced' })
    const worker = new Worker<Module>(child, what)
    await worker.outcome(0, 'loading')
    return worker
  }

  async call<Name extends NameOf<Module>>(
    name: Name,
    ...args: Call<Module[Name]>['args']
  ): Promise<Call<Module[Name]>['value']> {
    const id = ++this.last
    const outcome = this.outcome(id, name)
    this.child.send({ id, name, args } satisfies Order, (error) => {
      if (error !== null) this.waiting.get(id)?.reject(error)
    })
    return outcome
  }

  /** Ends the process. Nothing has to be put in order: it has no files. */
  end(): Promise<void> {
    return end(this.child)
  }

  private outcome(id: number, name: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id)
        reject(new Error(`${this.what}: ${name} takes more than ${PATIENCE / 1_000} s`))
      }, PATIENCE)
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer)
          settle(value)
        }
      this.waiting.set(id, { resolve: settled(resolve), reject: settled(reject) })
    })
  }
}
