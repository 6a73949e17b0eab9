/** A disk that does not answer: a network's that is away, a frozen or a broken one. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataDir } from '../../src/storage/data-dir.js'
import { Core, KAD } from '../support/core.js'

/** Steps of a disk that does not answer, each with what lets it go on. */
const hanging: { step: string; goOn: () => void }[] = []
let hangs = (_path: string): boolean => false

const onDisk =
  <Args extends [path: unknown, ...rest: unknown[]], Result>(step: string, work: (...args: Args) => Promise<Result>) =>
  async (...args: Args): Promise<Result> => {
    if (hangs(String(args[0]))) await new Promise<void>((goOn) => hanging.push({ step, goOn }))
    return work(...args)
  }
jest.unstable_mockModule('node:fs/promises', () => ({
  ...fs,
  ...Object.fromEntries(
    (['lstat', 'mkdir', 'open', 'readdir', 'rename', 'rm', 'stat', 'writeFile'] as const).map((step) => [
      step,
      onDisk(step, fs[step] as (path: unknown) => Promise<unknown>),
    ]),
  ),
}))
const { openDataDir } = await import('../../src/storage/data-dir.js')
const { openFile } = await import('../../src/recording/file.js')

const PEER = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'

let directory: string
let lines: string[]

const log = (level: string, message: string): void => void lines.push(`${level} ${message}`)
const open = (): Promise<DataDir> => openDataDir(directory, undefined, log)
const at = (name: string): string => join(directory, name)

/** A node that knows somebody. */
function busy(): Core {
  const core = new Core()
  core.connect(PEER)
  core.in({
    type: 'identified',
    connection: 1,
    peer: PEER,
    protocols: [KAD],
    addresses: ['/ip4/10.0.0.1/tcp/1'],
    agent: 'x',
  })
  return core
}

/** Time passes, and what the disk does goes on meanwhile. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    await jest.advanceTimersByTimeAsync(Math.min(100, left))
    await settled()
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 5_000
  while (!isSo()) {
    if (performance.now() > end) throw new Error('it did not come to be')
    await new Promise(setImmediate)
  }
}

/** As soon as nobody has it any more. */
async function reopened(): Promise<DataDir> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      expect((error as Error).message).toMatch(/ is in use /)
    }
  }
}

/** It answers again. */
function thaw(): void {
  hangs = () => false
  for (const { goOn } of hanging.splice(0)) goOn()
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] })
  directory = join(mkdtempSync(join(tmpdir(), 'tinyp2p-hangs-')), 'node')
  lines = []
})

afterEach(async () => {
  thaw()
  jest.useRealTimers()
  await settled()
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

describe('a dataDir whose disk does not answer', () => {
  it.each(['', 'lock', 'key', 'peers', 'ports'])(
    'at the start is given up after 10 s, at %p, and then left alone',
    async (name) => {
      await (await open()).close()
      hangs = (path) => path === (name === '' ? directory : at(name))
      const said = open().catch((error: Error) => error.message)
      await until(() => hanging.length > 0)
      await pass(10_000)
      const place = name === '' ? directory : at(name)
      expect(await said).toBe(
        `dataDir ${directory} cannot be used: the disk has not answered for 10000 ms, at ${place}`,
      )
      // One thread of the process hangs, and no more.
      expect(hanging).toHaveLength(1)
      thaw()
      jest.useRealTimers()
      await (await reopened()).close()
      await until(() => readdirSync(directory).every((file) => !file.startsWith('lock')))
    },
  )

  it('in the middle is told once, and written again when it answers', async () => {
    const data = await open()
    const core = busy()
    data.watch(core.state)
    hangs = (path) => path.startsWith(directory)
    data.listens(['/ip4/127.0.0.1/tcp/0'], [['/ip4/127.0.0.1/tcp/47123']])
    for (let tick = 0; tick < 10; tick++) {
      data.batch({ at: 1_000_000 * tick, events: [{ type: 'tick' }] })
      await pass(10_000)
      expect(hanging).toHaveLength(1)
    }
    expect(lines).toEqual([
      expect.stringMatching(
        /^warn the remembered peers could not be written, and the node goes on: the disk has not answered for 10000 ms, at /,
      ),
    ])
    thaw()
    await until(() => existsSync(at('peers')))
    expect(readFileSync(at('peers'), 'utf8')).toContain(PEER)
    await data.close()
    expect(lines).toHaveLength(1)
    expect(readdirSync(directory).sort()).toEqual(['key', 'peers', 'ports'])
  })

  it.each([
    ['peers.new', 'what is remembered is not stored as it was at the end, and the lock counts'],
    ['lock', 'what is remembered is not stored as it was at the end, and the lock counts'],
  ])('at the end is waited for no longer than 700 ms, at %s, and the log says what was left', async (name, left) => {
    const data = await open()
    data.watch(busy().state)
    hangs = (path) => path === at(name)
    let isClosed = false
    const closed = data.close().then(() => (isClosed = true))
    await until(() => hanging.length > 0)
    await pass(600)
    expect(isClosed).toBe(false)
    await pass(200)
    await closed
    expect(lines).toEqual([
      expect.stringMatching(/^warn dataDir .* is left as it is: the disk has not answered for 700 ms, at /),
    ])
    expect(lines[0]).toContain(left)
    // It is this process's as long as it writes there.
    thaw()
    await until(() => !existsSync(at('lock')))
    expect(readFileSync(at('peers'), 'utf8')).toContain(PEER)
  })
})

describe('a recording whose disk does not answer', () => {
  it('is refused after 10 s, and nothing is left open', async () => {
    const path = `${directory}-recording`
    hangs = (place) => place === path
    const said = openFile(path, () => undefined).catch((error: Error) => error.message)
    await until(() => hanging.length > 0)
    await pass(10_000)
    expect(await said).toMatch(/^record: the file .* cannot be written: the disk has not answered for 10000 ms, at /)
    thaw()
    await settled()
  })
})
