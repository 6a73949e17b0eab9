/**
 * The files of a page of docs/, in a folder of their own for each test, and the programs among them. A block of a page whose first line is a
 * comment with a file's name is that file.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach } from '@jest/globals'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a program may take to print a line, or to end, ms. */
const PATIENCE = 25_000

let folder: string
let children: ChildProcessWithoutNullStreams[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinyp2p-how-to-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  write('package.json', '{ "type": "module" }')
  write('tsconfig.json', JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['**/*.ts'] }))
  children = []
})

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Where a file of the folder is. */
export function pathOf(name: string): string {
  return join(folder, name)
}

export function write(name: string, content: string | Uint8Array): void {
  mkdirSync(dirname(pathOf(name)), { recursive: true })
  writeFileSync(pathOf(name), content)
}

/** The text of a page of docs/. */
export function pageOf(page: string): string {
  return readFileSync(join(root, 'docs', page), 'utf8')
}

/** The files of a page of docs/, written; their lines of code. A file begins with its name, in a comment of its language. */
export function filesOf(page: string, into = '.'): number {
  let lines = 0
  for (const [, name, code] of pageOf(page).matchAll(/^```\w+\n(?:\/\/|#|<!--) ([\w./-]+)(?: -->)?\n(.*?)^```$/gms)) {
    // These are installed under older names here.
    write(join(into, name!), code!.replaceAll(/'@libp2p\/(gossipsub|noise|yamux)'/g, "'@chainsafe/libp2p-$1'"))
    lines += code!.split('\n').filter((line) => line.trim() !== '').length
  }
  return lines
}

/** A program that runs. */
export interface Program {
  kill(signal: NodeJS.Signals): void
  input: Writable
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

/** A command in the folder, with tinyp2p as it is in src. */
function launch(command: string, args: string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  // What says that a test runs here is not for test runners among the programs.
  const { JEST_WORKER_ID: _, NODE_TEST_CONTEXT: __, ...outer } = process.env
  const own = { TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), NODE_OPTIONS: '', TINYP2P_LOG: 'off' }
  const child = spawn(command, args, { cwd: folder, env: { ...outer, ...own, ...env } })
  children.push(child)
  return child
}

/** A program of the page. */
export function start(file: string, args: string[] = [], { hear, env }: StartOptions = {}): Program {
  const child = launch(process.execPath, ['--import', 'tsx', file, ...args], env)
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
    input: child.stdin,
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

/** The address of a program that prints it. */
export async function addressOf(program: Program): Promise<string> {
  return (await program.line(/^(?:\S+ )*(\/ip4\/\S+\/p2p\/\w+)$/))[1]!
}

interface Ended {
  out: string
  err: string
  code: number | null
}

/** What a command prints until it ends, on both of its outputs, and its code. */
async function end(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const ended = once(child, 'close') as Promise<[number | null]>
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { out, err, code }
}

/** A command of the page, as it stands there, of tools that are installed. */
export function npx(command: string): Promise<Ended> {
  return end(launch('npx', ['--no-install', ...command.split(' ')]))
}

/** Node.js with these arguments. */
export function run(...args: string[]): Promise<Ended> {
  return end(launch(process.execPath, args))
}

/** What a program of the page prints until it ends. Throws when it does not end well. */
export async function print(file: string, ...args: string[]): Promise<string> {
  const { out, err, code } = await run('--import', 'tsx', file, ...args)
  if (code !== 0 || err !== '') throw new Error(`${file} has ended with ${String(code)}: ${err}`)
  return out
}
