/** What the how-to pages show, done as they say. A block whose first line is a comment with a file's name is that file. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder: string
let children: ChildProcess[]

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

/** The files of a page, written; their lines of code. */
function filesOf(page: string): number {
  const text = readFileSync(join(root, 'docs', 'how-to', page), 'utf8')
  let lines = 0
  for (const [, name, code] of text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n(.*?)^```$/gms)) {
    mkdirSync(dirname(join(folder, name!)), { recursive: true })
    writeFileSync(join(folder, name!), code!)
    lines += code!.split('\n').filter((line) => line.trim() !== '').length
  }
  return lines
}

/** A program of the page, with tinyp2p as it is in src; `hear` gets each line that it prints. */
function start(file: string, args: string[], hear: (line: string) => void = () => undefined): ChildProcess {
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), NODE_OPTIONS: '', TINYP2P_LOG: 'off' }
  const child = spawn(process.execPath, ['--import', 'tsx', join(folder, file), ...args], { cwd: root, env })
  child.stdout.on('data', (data: Buffer) => data.toString().trim().split('\n').forEach(hear))
  child.stderr.on('data', (data: Buffer) => process.stderr.write(data))
  children.push(child)
  return child
}

describe('a job queue', () => {
  it('loses no job when workers are killed at any moment, in forty lines', async () => {
    expect(filesOf('job-queue.md')).toBeLessThanOrEqual(40)
    let killing: NodeJS.Timeout | undefined
    let killed = 0
    await new Promise<void>((resolve) => {
      const workers: ChildProcess[] = []
      start('dispatcher.ts', [], (line) => {
        if (line === 'done') return resolve()
        const hire = (): void => void workers.push(start('worker.ts', [line]))
        for (let i = 0; i < 3; i++) hire()
        killing = setInterval(() => {
          workers.shift()!.kill('SIGKILL')
          killed++
          hire()
        }, 3_000)
      })
    })
    clearInterval(killing)
    expect(killed).toBeGreaterThan(0)
  }, 60_000)
})
