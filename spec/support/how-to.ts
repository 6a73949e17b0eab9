/**
 * The files of a how-to page, in a folder of their own for each test, and the programs among them. A block whose first line is a comment
 * with a file's name is that file.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach } from '@jest/globals'

export const root = fileURLToPath(new URL('../..', import.meta.url))

let folder: string
let children: ChildProcess[]

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

export function pageOf(page: string): string {
  return readFileSync(join(root, 'docs', 'how-to', page), 'utf8')
}

/** The files of a page, written, into a folder in the folder if it is named; their lines of code. */
export function filesOf(page: string, under = '.'): number {
  let lines = 0
  for (const [, name, code] of pageOf(page).matchAll(/^```[jt]s\n\/\/ (\S+\.[cm]?[jt]s)\n(.*?)^```$/gms)) {
    // These are installed under older names here.
    write(join(under, name!), code!.replaceAll(/'@libp2p\/(gossipsub|noise|yamux)'/g, "'@chainsafe/libp2p-$1'"))
    lines += code!.split('\n').filter((line) => line.trim() !== '').length
  }
  return lines
}

/** A command in the folder, with tinyp2p as it is in src. */
function launch(command: string, args: string[]): ChildProcess {
  const { JEST_WORKER_ID: _, NODE_TEST_CONTEXT: __, ...outer } = process.env
  const env = { ...outer, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), NODE_OPTIONS: '', TINYP2P_LOG: 'off' }
  const child = spawn(command, args, { cwd: folder, env })
  children.push(child)
  return child
}

/** A program of the page; `hear` gets each line that it prints. */
export function start(file: string, args: string[], hear: (line: string) => void = () => undefined): ChildProcess {
  const child = launch(process.execPath, ['--import', 'tsx', file, ...args])
  createInterface(child.stdout!).on('line', hear)
  child.stderr!.on('data', (data: Buffer) => process.stderr.write(data))
  return child
}

/** As `start`, for a program that waits for others: with the first line that it prints, such as its address. */
export async function startAndHear(
  file: string,
  args: string[] = [],
  hear: (line: string) => void = () => undefined,
): Promise<{ child: ChildProcess; line: string }> {
  return new Promise((resolve) => {
    let isFirst = true
    const child = start(file, args, (line) => {
      if (isFirst) resolve({ child, line })
      else hear(line)
      isFirst = false
    })
  })
}

interface Ended {
  out: string
  err: string
  code: number | null
}

/** What a command prints until it ends, on both of its outputs, and its code. */
async function end(child: ChildProcess): Promise<Ended> {
  const ended = once(child, 'close') as Promise<[number | null]>
  const [out, err, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), ended])
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
