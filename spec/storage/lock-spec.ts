import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { fork, spawnSync } from 'node:child_process'
import fs, {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { sealed } from '../../src/storage/files.js'
import type { Lock } from '../../src/storage/lock.js'

/** What a file system does otherwise. */
let faults: Partial<Pick<typeof fs, 'linkSync' | 'openSync' | 'renameSync'>> = {}
jest.unstable_mockModule('node:fs', () => ({
  ...fs,
  linkSync: (...args: Parameters<typeof fs.linkSync>) => (faults.linkSync ?? fs.linkSync)(...args),
  openSync: (...args: Parameters<typeof fs.openSync>) => (faults.openSync ?? fs.openSync)(...args),
  renameSync: (...args: Parameters<typeof fs.renameSync>) => (faults.renameSync ?? fs.renameSync)(...args),
}))
const { InUse, lockDirectory, startOf } = await import('../../src/storage/lock.js')

const failing = (code: string) => (): never => {
  throw Object.assign(new Error(code), { code })
}

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tinyp2p-files-'))
})

afterEach(() => {
  faults = {}
  rmSync(directory, { recursive: true, force: true })
})

function ownerOf(where: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(where, 'lock'), 'utf8').slice(9)) as Record<string, unknown>
}

function writeOwner(owner: object): void {
  writeFileSync(join(directory, 'lock'), sealed(JSON.stringify(owner)))
}

/** The lock that is there becomes ours, as if there had been none. */
function takesOver(): void {
  const lock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(InUse)
  lock.release()
  expect(readdirSync(directory)).toEqual([])
}

describe('the lock of a directory', () => {
  it('is one process’s at a time, and free after it was given back', () => {
    const lock = lockDirectory(directory)
    expect(() => lockDirectory(directory)).toThrow(InUse)
    lock.release()
    lockDirectory(directory).release()
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

  it.each(['with', 'without'])(
    'that is another one’s by the time that it is removed stays that one’s, %s hard links',
    (links) => {
      const { pid } = spawnSync(process.execPath, ['-e', ''])
      writeOwner({ pid, started: '1' })
      if (links === 'without') faults.linkSync = failing('EPERM')
      let other: Lock | undefined
      faults.renameSync = (from, to) => {
        delete faults.renameSync
        // Was faster by a moment.
        other = lockDirectory(directory)
        fs.renameSync(from, to)
      }
      expect(() => lockDirectory(directory)).toThrow(InUse)
      expect(other?.isHeld()).toBe(true)
      expect(readdirSync(directory)).toEqual(['lock'])
      other?.release()
    },
  )

  it('is not given back by one who has lost it', () => {
    const lock = lockDirectory(directory)
    expect(lock.isHeld()).toBe(true)
    writeFileSync(join(directory, 'lock'), 'of somebody else')
    expect(lock.isHeld()).toBe(false)
    lock.release()
    expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe('of somebody else')
  })

  it('is taken over from a process of the same number in an earlier container, or before this start of the machine', () => {
    lockDirectory(directory)
    const { pid, started, ...rest } = ownerOf(directory)
    writeOwner({ ...rest, pid, started: '1' })
    takesOver()
    writeOwner({ ...rest, pid, started, boot: 'another' })
    takesOver()
    writeOwner({ ...rest, pid: process.ppid, started: startOf(process.ppid), boot: 'another' })
    takesOver()
  })

  it('is taken over from a node of this process that has ended while its directory had another name, and from no living one', () => {
    const other = join(directory, '..', `${basename(directory)}-renamed`)
    const lock = lockDirectory(directory)
    renameSync(directory, other)
    try {
      expect(() => lockDirectory(other)).toThrow(InUse)
      lock.release()
      lockDirectory(other).release()
      expect(readdirSync(other)).toEqual([])
    } finally {
      renameSync(other, directory)
    }
  })

  it('is not taken over from another thread of this process', () => {
    writeOwner({ pid: process.pid, started: startOf(process.pid), thread: 7 })
    expect(() => lockDirectory(directory)).toThrow(InUse)
  })

  it('of a copy of a directory in use is that of the original, as long as this is in use', () => {
    const lock = lockDirectory(directory)
    const copy = join(directory, 'copy')
    mkdirSync(copy)
    cpSync(join(directory, 'lock'), join(copy, 'lock'))
    expect(() => lockDirectory(copy)).toThrow(InUse)
    lock.release()
    lockDirectory(copy).release()
  })
})

describe('the lock of a directory that can be written no more', () => {
  /** Not within the directory. */
  const isFull: typeof fs.openSync = (path, flags, mode) =>
    flags === 'wx' && String(path).startsWith(join(directory, 'node'))
      ? failing('ENOSPC')()
      : fs.openSync(path, flags, mode)
  const node = (): string => join(directory, 'node')
  const temporary = (): string => join(directory, 'temporary')
  const lock = (): Lock => lockDirectory(node(), temporary())

  beforeEach(() => {
    mkdirSync(node())
    mkdirSync(temporary())
  })

  it.each(['ENOSPC', 'EROFS', 'EACCES'])('is in force, in the directory and elsewhere: %s', (code) => {
    const first = lock()
    faults.openSync = isFull
    expect(lock).toThrow(InUse)
    first.release()
    const second = lock()
    expect(second.trouble).toBeDefined()
    // There nothing can be written either.
    faults.openSync = (path, flags, mode) => (flags === 'wx' ? failing(code)() : fs.openSync(path, flags, mode))
    expect(lock).toThrow(InUse)
    faults = {}
    expect(lock).toThrow(InUse)
    second.release()
    lock().release()
    expect([readdirSync(node()), readdirSync(temporary())]).toEqual([[], []])
  })

  it('is one’s, though another one takes it elsewhere in the same moment', () => {
    for (const isFirst of [true, false]) {
      let other: Lock | undefined
      faults.openSync = (path, flags, mode) => {
        const isOurs = String(path).startsWith(isFirst ? temporary() : node())
        if (flags !== 'wx' || !isOurs) return isFirst ? isFull(path, flags, mode) : fs.openSync(path, flags, mode)
        // The disk has room for one of both.
        faults.openSync = isFirst ? fs.openSync : isFull
        other = lock()
        faults.openSync = fs.openSync
        return fs.openSync(path, flags, mode)
      }
      expect(lock).toThrow(InUse)
      expect(other?.isHeld()).toBe(true)
      other?.release()
      expect([readdirSync(node()), readdirSync(temporary())]).toEqual([[], []])
    }
  })
})

describe('the lock of a directory that cannot be written', () => {
  // Where nobody can make a file, whoever runs the tests.
  const lock = (temporary = directory): Lock => lockDirectory('/proc/self', temporary)

  it('is among the temporary files, and keeps others out', () => {
    const first = lock()
    expect(first.trouble).toBeDefined()
    expect(readdirSync(directory)).toEqual([expect.stringMatching(/^tinyp2p-\d+-\d+\.lock$/)])
    expect(lock).toThrow(InUse)
    first.release()
    expect(readdirSync(directory)).toEqual([])
    lock().release()
  })

  /** Where the lock would be. */
  function place(): string {
    const held = lock()
    const [name] = readdirSync(directory)
    held.release()
    return join(directory, name!)
  }

  const lives = sealed(JSON.stringify({ pid: process.ppid, started: null }))

  it('is not believed if another user has made it, and is told to keep nobody out', () => {
    const path = place()
    writeFileSync(path, lives)
    expect(lock).toThrow(InUse)
    // A file is its who has made it, which counts for a process that runs as another user than the one who has started it.
    const { geteuid } = process
    process.geteuid = () => geteuid!() + 1
    try {
      // A directory that can be written needs no other lock.
      const own = join(directory, 'own')
      mkdirSync(own)
      const { dev, ino } = statSync(own, { bigint: true })
      writeFileSync(join(directory, `tinyp2p-${dev}-${ino}.lock`), lives)
      const held = lockDirectory(own, directory)
      expect(held.trouble).toBeUndefined()
      held.release()
      expect(lock()).toMatchObject({ isShared: true })
    } finally {
      process.geteuid = geteuid!
    }
    expect(readFileSync(path, 'utf8')).toBe(lives)
  })

  it('is not believed if it is a link or a pipe', () => {
    const path = place()
    const other = join(directory, 'other')
    writeFileSync(other, lives)
    symlinkSync(other, path)
    expect(lock()).toMatchObject({ isShared: true })
    rmSync(path)
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    expect(lock()).toMatchObject({ isShared: true })
  })

  it('is none where temporary files cannot be written either, which is told', () => {
    expect(lock('/proc')).toMatchObject({ isShared: true })
    expect(lock('/proc').isHeld()).toBe(true)
  })
})
