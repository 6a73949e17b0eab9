/** What the how-to pages show, done as they say. A block whose first line is a comment with a file's name is that file. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a program may take to print a line, or to end, ms. */
const PATIENCE = 25_000

let folder: string
let children: ChildProcessWithoutNullStreams[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinyp2p-how-to-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'tsconfig.json'), readFileSync(join(root, 'tsconfig.json')))
  children = []
})

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** The files of a page of docs/, written; their lines of code. A file begins with its name, in a comment of its language. */
function filesOf(page: string): number {
  const text = readFileSync(join(root, 'docs', page), 'utf8')
  let lines = 0
  for (const [, name, code] of text.matchAll(/^```\w+\n(?:\/\/|#|<!--) ([\w./-]+)(?: -->)?\n(.*?)^```$/gms)) {
    mkdirSync(dirname(join(folder, name!)), { recursive: true })
    writeFileSync(join(folder, name!), code!)
    lines += code!.split('\n').filter((line) => line.trim() !== '').length
  }
  return lines
}

/** A program that runs. */
interface Program {
  kill(signal: NodeJS.Signals): void
  write(line: string): void
  /** The first line on its standard output or error that fits, of those that it has printed or is going to print. */
  line(pattern: RegExp): Promise<string[]>
  /** Its exit code, once it has ended. */
  end(): Promise<number | null>
}

interface StartOptions {
  /** Gets each line of its standard output. */
  hear?: (line: string) => void
  env?: Record<string, string>
}

/** A program of the page, with tinyp2p as it is in src. */
function start(file: string, args: string[] = [], { hear, env = {} }: StartOptions = {}): Program {
  const own = { TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), NODE_OPTIONS: '', TINYP2P_LOG: 'off' }
  const options = { cwd: folder, env: { ...process.env, ...own, ...env } }
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], options)
  children.push(child)
  const lines: string[] = []
  const looks = new Set<() => void>()
  for (const output of [child.stdout, child.stderr]) {
    createInterface(output).on('line', (line) => {
      lines.push(line)
      if (output === child.stdout) hear?.(line)
      for (const look of looks) look()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const within = async <T>(what: string, promise: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const error = (): Error => new Error(`${file}: ${what} did not come. It has printed:\n${lines.join('\n')}`)
      timer = setTimeout(() => reject(error()), PATIENCE)
    })
    return Promise.race([promise, late]).finally(() => clearTimeout(timer))
  }
  return {
    kill: (signal) => void child.kill(signal),
    write: (line) => void child.stdin.write(`${line}\n`),
    end: () => within('its end', ended),
    line: (pattern) => {
      const found = new Promise<string[]>((resolve) => {
        const look = (): void => {
          const match = lines.map((line) => pattern.exec(line)).find((one) => one !== null)
          if (match !== undefined) resolve(match)
        }
        looks.add(look)
        look()
      })
      return within(`a line ${String(pattern)}`, found)
    },
  }
}

describe('the first five minutes', () => {
  it('are two programs that find each other', async () => {
    filesOf('start.md')
    const greeter = start('greeter.mjs')
    const [, address = ''] = await greeter.line(/^node visitor\.mjs (.*)$/)
    const visitor = start('visitor.mjs', [address])
    await visitor.line(/^Hello, Alice!$/)
    await visitor.line(/^told 1 peer$/)
    expect(await visitor.end()).toBe(0)
    await greeter.line(/^visits: Alice was here at \d{4}-/)
    greeter.kill('SIGKILL')
    await start('visitor.mjs', [address], { env: { TINYP2P_LOG: 'warn' } }).line(
      /warn: boot node .* is down, and is tried again: .*ECONNREFUSED.*nothing listens on this port/,
    )
  }, 60_000)
})

describe('a job queue', () => {
  it('loses no job when workers are killed at any moment, in forty lines', async () => {
    expect(filesOf('how-to/job-queue.md')).toBeLessThanOrEqual(40)
    let killing: NodeJS.Timeout | undefined
    let killed = 0
    await new Promise<void>((resolve) => {
      const workers: Program[] = []
      const hear = (line: string): void => {
        if (line === 'done') return resolve()
        const hire = (): void => void workers.push(start('worker.ts', [line]))
        for (let i = 0; i < 3; i++) hire()
        killing = setInterval(() => {
          workers.shift()!.kill('SIGKILL')
          killed++
          hire()
        }, 3_000)
      }
      start('dispatcher.ts', [], { hear })
    })
    clearInterval(killing)
    expect(killed).toBeGreaterThan(0)
  }, 60_000)
})
