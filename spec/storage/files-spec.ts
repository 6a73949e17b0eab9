import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { copyFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readText, replaceFile, sealed, setAside, unsealed } from '../../src/storage/files.js'

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

  it('is read if it is a file, or a link to one, and nothing else is opened', async () => {
    const path = join(directory, 'a')
    writeFileSync(join(directory, 'there'), 'text')
    symlinkSync('there', path)
    expect(await readText(path)).toBe('text')
    await expect(readText(path, true)).rejects.toThrow('a is no regular file')
    for (const [make, message] of [
      [() => symlinkSync('nowhere', path), 'a is a link to nothing'],
      [() => symlinkSync('a', path), 'ELOOP'],
      [() => symlinkSync('/dev/zero', path), 'a is no regular file'],
      [() => mkdirSync(path), 'a is no regular file'],
      [() => spawnSync('mkfifo', [path]), 'a is no regular file'],
      [() => writeFileSync(path, ''), undefined],
    ] as const) {
      rmSync(path, { recursive: true, force: true })
      make()
      if (message !== undefined) await expect(readText(path)).rejects.toThrow(message)
    }
    // It takes no room.
    truncateSync(path, 2 ** 40)
    await expect(readText(path)).rejects.toThrow(`a has ${2 ** 40} bytes`)
  })

  it('is set aside under a free name', async () => {
    const path = join(directory, 'a')
    for (const n of [1, 2]) {
      writeFileSync(path, `damaged ${n}`)
      expect(await setAside(path)).toBe(`${path}.damaged-${n}`)
    }
    expect(readFileSync(`${path}.damaged-1`, 'utf8')).toBe('damaged 1')
    expect(readdirSync(directory)).not.toContain('a')
  })

  it('stays where a copy is set aside', async () => {
    const path = join(directory, 'a')
    writeFileSync(path, 'damaged')
    expect(await setAside(path, copyFile)).toBe(`${path}.damaged-1`)
    expect(readFileSync(path, 'utf8')).toBe('damaged')
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
