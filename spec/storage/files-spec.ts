import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { fork, spawnSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  InUse,
  lockDirectory,
  readText,
  replaceFile,
  sealed,
  setAside,
  startOf,
  unsealed,
} from '../../src/storage/files.js'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tinyp2p-files-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

describe('a file that is replaced as a whole', () => {
  it('has the new contents, is for its owner alone, and leaves nothing beside it', async () => {
    const path = join(directory, 'a')
    await replaceFile(path, 'one')
    await replaceFile(path, 'two')
    expect(readFileSync(path, 'utf8')).toBe('two')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(directory)).toEqual(['a'])
  })

  it('takes the place of what a process that was ended has left', async () => {
    writeFileSync(join(directory, 'a.new'), 'half')
    await replaceFile(join(directory, 'a'), 'whole')
    expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('whole')
  })

  it('keeps what it had when it cannot be replaced', async () => {
    const path = join(directory, 'a')
    mkdirSync(path)
    await expect(replaceFile(path, 'two')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/)
    expect(readdirSync(directory)).toEqual(['a'])
  })

  it('reads as undefined where there is none', async () => {
    expect(await readText(join(directory, 'none'))).toBeUndefined()
  })

  it('is set aside under a free name', async () => {
    const path = join(directory, 'a')
    for (const n of [1, 2]) {
      writeFileSync(path, `damaged ${n}`)
      expect(await setAside(path)).toBe(`${path}.damaged-${n}`)
    }
    expect(readFileSync(`${path}.damaged-1`, 'utf8')).toBe('damaged 1')
  })
})

describe('a sealed text', () => {
  it('is read back, and no flipped bit and no lost end goes unnoticed', () => {
    const whole = sealed('key 🔑')
    expect(unsealed(whole)).toBe('key 🔑')
    const bytes = new TextEncoder().encode(whole)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(unsealed(new TextDecoder().decode(flipped))).toBeUndefined()
    }
    for (let end = 0; end < whole.length; end++) expect(unsealed(whole.slice(0, end))).toBeUndefined()
  })
})

/** The lock that is there becomes ours, as if there had been none. */
function takesOver(): void {
  const release = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(InUse)
  release()
  expect(readdirSync(directory)).toEqual([])
}

describe('the lock of a directory', () => {
  it('is one process’s at a time, and free after it was given back', () => {
    const release = lockDirectory(directory)
    expect(() => lockDirectory(directory)).toThrow(InUse)
    release()
    lockDirectory(directory)()
    expect(readdirSync(directory)).toEqual([])
  })

  it('is taken over from a process that is dead', () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid, started: '1' })))
    takesOver()
  })

  it('is taken over from a dead process whose number another one has now', () => {
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid: process.pid, started: '1' })))
    takesOver()
  })

  it('is not taken over from a living process of which nobody knows when it was started', () => {
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid: process.ppid, started: null })))
    expect(() => lockDirectory(directory)).toThrow(`process ${process.ppid} uses it`)
  })

  it('knows when a process was started, also where there is no /proc', () => {
    for (const proc of ['/proc', '/there/is/none']) {
      expect(startOf(process.pid, proc)).toMatch(/\d/)
      expect(startOf(process.pid, proc)).toBe(startOf(process.pid, proc))
      expect(startOf(process.pid, proc)).not.toBe(startOf(1, proc))
      expect(startOf(2 ** 22 + 1, proc)).toBeNull()
    }
  })

  it('is not taken over from another process that lives', async () => {
    const file = join(directory, 'idle.cjs')
    writeFileSync(file, "process.send('up'); setInterval(() => {}, 1000)")
    const child = fork(file, { execArgv: [] })
    await new Promise((resolve) => child.once('message', resolve))
    const started = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19]
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid: child.pid, started })))
    try {
      expect(() => lockDirectory(directory)).toThrow(`process ${child.pid} uses it`)
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('is not given back by one who has lost it', () => {
    const release = lockDirectory(directory)
    writeFileSync(join(directory, 'lock'), 'of somebody else')
    release()
    expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe('of somebody else')
  })
})
