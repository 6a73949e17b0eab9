/**
 * The files of a page of docs/, in a folder of their own for each test, and the programs among them. A block of a page whose first line is a
 * comment with a file's name is that file.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
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
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'tsconfig.json'), readFileSync(join(root, 'tsconfig.json')))
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

/** The files of a page of docs/, written; their lines of code. A file begins with its name, in a comment of its language. */
export function filesOf(page: string, into = '.'): number {
  const text = readFileSync(join(root, 'docs', page), 'utf8')
  let lines = 0
  for (const [, name, code] of text.matchAll(/^```\w+\n(?:\/\/|#|<!--) ([\w./-]+)(?: -->)?\n(.*?)^```$/gms)) {
    const path = join(folder, into, name!)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, code!)
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

/** A program of the page, with tinyp2p as it is in src. */
export function start(file: string, args: string[] = [], { hear, env = {} }: StartOptions = {}): Program {
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
