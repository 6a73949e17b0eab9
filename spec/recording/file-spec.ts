import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFile, openFileSync, openRecording } from '../../src/recording/file.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tinyp2p-file-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const never = (error: Error): void => {
  throw error
}

describe.each([
  ['in the background', openFile],
  ['at once', async (path: string) => openFileSync(path)],
])('a file that is written %s', (_how, open) => {
  it('has every chunk in its order', async () => {
    const path = join(folder, 'a')
    const sink = await open(path, never)
    for (let i = 0; i < 1_000; i++) sink.write(Uint8Array.of(i & 255, i >> 8))
    await sink.close?.()
    const written = await readFile(path)
    expect([...written]).toEqual(Array.from({ length: 2_000 }, (_, i) => (i & 1 ? i >> 9 : (i >> 1) & 255)))
  })

  it('is for its owner alone', async () => {
    const path = join(folder, 'a')
    await (await open(path, never)).close?.()
    expect((await stat(path)).mode & 0o077).toBe(0)
  })

  it('may be there already if it is empty, and is never overwritten', async () => {
    const path = join(folder, 'a')
    await writeFile(path, '')
    await (await open(path, never)).close?.()
    await writeFile(path, 'something')
    await expect(open(path, never)).rejects.toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringMatching(/never overwritten/),
    })
    expect(await readFile(path, 'utf8')).toBe('something')
  })

  it('must be writable', async () => {
    const path = join(folder, 'none', 'a')
    await expect(open(path, never)).rejects.toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringMatching(/^record: the file ".*none\/a" cannot be written: ENOENT/),
    })
    await expect(open(folder, never)).rejects.toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringMatching(/EISDIR|is no regular file/),
    })
  })

  it('is no pipe, which would block', async () => {
    const path = join(folder, 'a')
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    await expect(open(path, never)).rejects.toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringMatching(/ENXIO|is no regular file/),
    })
  })
})

describe('a disk', () => {
  it('that cannot follow makes the sink throw, and what was taken is written all the same', async () => {
    const path = join(folder, 'a')
    const sink = await openFile(path, never)
    const chunk = new Uint8Array(1_048_576)
    let taken = 0
    expect(() => {
      for (; taken < 100; taken++) sink.write(chunk)
    }).toThrow(/the disk cannot follow, \d+ bytes wait/)
    expect(taken).toBe(17)
    await sink.close()
    expect((await stat(path)).size).toBeGreaterThan(0)
  })

  const full = process.platform === 'linux' ? it : it.skip
  full('that is full is told once, and closing still works', async () => {
    const failures: Error[] = []
    let failed!: () => void
    const failing = new Promise<void>((resolve) => (failed = resolve))
    const sink = await openFile('/dev/full', (error) => {
      failures.push(error)
      failed()
    })
    sink.write(Uint8Array.of(1))
    sink.write(Uint8Array.of(2))
    await failing
    await sink.close()
    expect(failures).toMatchObject([{ code: 'ENOSPC' }])
  })

  full("that is full makes a simulated node's sink throw", () => {
    const sink = openFileSync('/dev/full')
    expect(() => sink.write(Uint8Array.of(1))).toThrow(/ENOSPC/)
    void sink.close?.()
  })
})

describe('a recording that is read', () => {
  it('is in memory only as far as it is asked for', async () => {
    const path = join(folder, 'a')
    await writeFile(path, Uint8Array.of(1, 2, 3, 4))
    const source = openRecording(path)
    expect(source.length).toBe(4)
    expect([...source.read(1, 3)]).toEqual([2, 3])
    expect([...source.read(2, 1e12)]).toEqual([3, 4])
    expect(source.read(9, 12)).toHaveLength(0)
    source.close()
  })

  it('must be a file: a device has no end, and a pipe may never begin', () => {
    const fifo = join(folder, 'fifo')
    spawnSync('mkfifo', [fifo])
    for (const path of ['/dev/zero', fifo, folder]) {
      expect(() => openRecording(path)).toThrow(/^the recording ".*" cannot be read: it is no regular file$/)
    }
  })
})
