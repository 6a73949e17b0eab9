/**
 * What becomes of a dataDir when its disk is full or read-only, and when its process is killed. Run as
 * `disk-program.ts full|frozen|writing <directory>`; for the first two the directory is a tmpfs of its own. Writes JSON.
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDataDir, type DataDir } from '../../src/storage/data-dir.js'
import { Core, KAD } from './core.js'

const [what, disk] = process.argv.slice(2) as [string, string]
const directory = join(disk, 'node')
const PEER = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'
const OTHER = '12D3KooWGC6TvWhfagifX6GhkBuRdBzsfxkPLgKMTFBMDHpJbS4p'

let lines: string[] = []
const open = (where = directory): Promise<DataDir> =>
  openDataDir(where, undefined, (level, message) => void lines.push(`${level} ${message}`))

/** A node that knows these peers opens the directory and leaves it again. */
async function use(...peers: string[]): Promise<object> {
  lines = []
  const core = new Core()
  for (const [i, peer] of peers.entries()) {
    core.connect(peer, i + 1)
    const addresses = ['/ip4/10.0.0.1/tcp/1']
    core.in({ type: 'identified', connection: i + 1, peer, protocols: [KAD], addresses, agent: 'x' })
  }
  try {
    const data = await open()
    data.watch(core.state)
    await data.close()
    return { secret: data.secret, remembered: data.remembered.map(({ peer }) => peer), lines, files: files() }
  } catch (error) {
    return { error: (error as Error).message, lines, files: files() }
  }
}

const files = (): string[] => readdirSync(directory)

function fill(): void {
  try {
    for (;;) appendFileSync(join(disk, 'filler'), Buffer.alloc(4_096))
  } catch {
    // Now it is full.
  }
}

function damage(): void {
  const bytes = readFileSync(join(directory, 'key'))
  bytes[12]! ^= 1
  writeFileSync(join(directory, 'key'), bytes)
}

const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

if (what === 'full') {
  fill()
  const unborn = await use()
  rmSync(join(disk, 'filler'))
  const before = await use(PEER)
  const first = await open()
  fill()
  const second = await use()
  await first.close()
  // (Its lock has left room.)
  fill()
  const full = await use(PEER, OTHER)
  rmSync(join(disk, 'filler'))
  say({ unborn, before, second, full, after: await use() })
} else if (what === 'frozen') {
  const before = await use(PEER)
  const earlier = await open()
  damage()
  execFileSync('mount', ['-o', 'remount,ro', disk])
  const early = await use()
  // Its lock stays there.
  await earlier.close()
  const frozen = await use(PEER, OTHER)
  lines = []
  const first = await open()
  const second = await use()
  execFileSync('mount', ['-o', 'remount,rw', disk])
  const third = await use()
  await first.close()
  say({ before, early, frozen, second, third, after: await use() })
} else {
  say({ begins: true })
  for (;;) say(await use(PEER, OTHER))
}
