/** What nodes keep on disk outlives a full disk, a read-only one, and the end of the process at any moment. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openDataDir } from '../../src/storage/data-dir.js'

const program = fileURLToPath(new URL('../support/disk-program.ts', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const node = [process.execPath, '--import', 'tsx', program]
const IN_USE = /^dataDir .* is in use by another node of this process/
const MOUNTED = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=128k tmpfs "$0" && exec "$@"']

interface Use {
  secret?: string
  error?: string
  remembered?: string[]
  lines: string[]
  files: string[]
}

let disk: string
let child: ChildProcess | undefined

beforeEach(() => {
  disk = mkdtempSync(join(tmpdir(), 'tinyp2p-disk-'))
})

afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(disk, { recursive: true, force: true })
})

function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'tinyp2p-disk-'))
  try {
    const [file = '', ...args] = [...MOUNTED, place, 'true']
    execFileSync(file, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(place, { recursive: true })
  }
}

async function onTmpfs(what: string): Promise<Record<string, Use>> {
  const [file = '', ...args] = [...MOUNTED, disk, ...node, what, disk]
  const mounted = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  child = mounted
  return JSON.parse(await text(mounted.stdout)) as Record<string, Use>
}

const itOnTmpfs = canMount() ? it : it.skip
if (itOnTmpfs !== it) console.warn('SKIPPED: a full disk and a read-only one need Linux, root, and unshare')

describe('a dataDir', () => {
  itOnTmpfs(
    'on a full disk has its key and its peers, keeps nothing new, and is whole when there is room again',
    async () => {
      const { unborn, before, second, full, after } = (await onTmpfs('full')) as { [Name in string]: Use } & Record<
        'unborn',
        Use
      >
      expect(unborn.error).toMatch(/^dataDir .* cannot be used: .*ENOSPC/)
      expect(unborn.files).toEqual([])
      expect(second!.error).toMatch(IN_USE)
      expect(full!.secret).toBe(before!.secret)
      expect(full!.remembered).toHaveLength(1)
      expect(full!.lines).toEqual([
        expect.stringMatching(/^warn dataDir .* cannot be written, so nothing new is kept: .*ENOSPC/),
        expect.stringMatching(/^warn the remembered peers could not be written, and the node goes on: .*ENOSPC/),
      ])
      expect(full!.files).toEqual(['key', 'peers'])
      expect(after).toMatchObject({ secret: before!.secret, remembered: full!.remembered, lines: [] })
    },
    30_000,
  )

  itOnTmpfs(
    'on a read-only disk has its key, also a damaged one, says what it cannot do, and is one node’s at a time',
    async () => {
      const { before, early, frozen, second, third, after } = await onTmpfs('frozen')
      expect(frozen!.secret).toBe(before!.secret)
      expect(frozen!.remembered).toHaveLength(1)
      expect(frozen!.lines).toEqual([
        expect.stringMatching(/^warn dataDir .* cannot be written, so nothing new is kept: .*EROFS/),
        expect.stringMatching(/^warn the key file .* is damaged and could not be repaired: .*EROFS/),
        expect.stringMatching(/^warn the remembered peers could not be written, and the node goes on: .*EROFS/),
      ])
      // Also when it can be written again.
      for (const refused of [early, second, third]) expect(refused!.error).toMatch(IN_USE)
      expect(after!.secret).toBe(before!.secret)
      expect(after!.lines).toEqual([expect.stringMatching(/^warn the key file was damaged and is repaired/)])
    },
    30_000,
  )

  it('opens with the same key whenever its process was killed', async () => {
    const directory = join(disk, 'node')
    mkdirSync(directory)
    const secrets = new Set<string>()
    for (let round = 0; round < 6; round++) {
      const [file = '', ...args] = [...node, 'writing', disk]
      const writing = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
      child = writing
      await once(writing.stdout, 'data')
      // From before its first file on: a round of writing takes some milliseconds.
      await new Promise((resolve) => setTimeout(resolve, round * 5 * Math.random()))
      const exit = once(writing, 'exit')
      writing.kill('SIGKILL')
      await exit
      const lines: string[] = []
      const data = await openDataDir(directory, undefined, (level, message) => void lines.push(`${level} ${message}`))
      secrets.add(data.secret)
      await data.close()
      expect(lines).toEqual([])
      expect(readdirSync(directory).filter((name) => name.includes('damaged'))).toEqual([])
    }
    expect(secrets.size).toBe(1)
  }, 60_000)
})
