/**
 * Another process that tells events on its standard output, as one JSON object a line, and that ends with its standard
 * input: should the test runner die, nothing of it stays. What is told is kept, so a wait may begin after the event.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** What a line says. Everything but its name is as the other side documents it. */
export interface LineEvent {
  event: string
  [field: string]: unknown
}

type Fits = (event: LineEvent) => boolean

interface Waiter {
  fits: Fits
  done(event: LineEvent | Error): void
}

/** How long anything that should happen may take. */
const PATIENCE = 15_000

const running = new Set<LineProcess>()

/** For `afterEach`: kills every process that was started and still runs. */
export async function killProcesses(): Promise<void> {
  await Promise.all([...running].map((one) => one.kill()))
}

export class LineProcess {
  readonly events: LineEvent[] = []
  readonly ended: Promise<void>
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  private readonly waiters = new Set<Waiter>()
  private errors = ''

  constructor(
    private readonly name: string,
    command: string,
    args: string[],
  ) {
    this.child = spawn(command, args, { stdio: 'pipe' })
    running.add(this)
    this.child.stdin.on('error', () => {}) // It is gone, which `exit` tells better.
    this.child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.errors = (this.errors + text).slice(-2_000)))
    createInterface({ input: this.child.stdout }).on('line', (line) => this.hear(JSON.parse(line) as LineEvent))
    this.ended = new Promise((resolve) => {
      const end = (why: string) => {
        running.delete(this)
        for (const { done } of [...this.waiters]) done(this.complaint(why))
        resolve()
      }
      this.child.once('error', (error) => end(error.message))
      this.child.once('close', (code, signal) => end(`it ended with ${signal ?? `code ${code}`}`))
    })
  }

  /** As `kill -9`: no good-byes. Resolves when it has ended. */
  kill(): Promise<void> {
    this.child.kill('SIGKILL')
    return this.ended
  }

  /** The first event of this name that fits, told already or soon. Rejects when it is too late or the process ends. */
  waitFor(name: string, fits: Fits = () => true, within = PATIENCE): Promise<LineEvent> {
    const matches: Fits = (event) => event.event === name && fits(event)
    const told = this.events.find(matches)
    if (told !== undefined) return Promise.resolve(told)
    if (!running.has(this)) return Promise.reject(this.complaint(`no ${name}: it has ended`))
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        fits: matches,
        done: (outcome) => {
          clearTimeout(timer)
          this.waiters.delete(waiter)
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome)
        },
      }
      const timer = setTimeout(() => waiter.done(this.complaint(`no fitting ${name} within ${within} ms`)), within)
      this.waiters.add(waiter)
    })
  }

  protected send(line: object): void {
    this.child.stdin.write(`${JSON.stringify(line)}\n`)
  }

  private hear(event: LineEvent): void {
    this.events.push(event)
    for (const waiter of [...this.waiters]) {
      if (waiter.fits(event)) waiter.done(event)
    }
  }

  private complaint(what: string): Error {
    const last = this.events.slice(-8).map((event) => JSON.stringify(event).slice(0, 300))
    return new Error([`${this.name}: ${what}. Its last events:`, ...last, this.errors].join('\n'))
  }
}
