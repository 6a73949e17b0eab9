/**
 * `npm start`: three demo nodes (main.ts), each in a process of its own, on one screen. Half a minute in, one of them is
 * killed; the others notice, and later it comes back as the same peer. Goes on until Ctrl-C, or for `--seconds n`.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { newSecret } from 'tinyp2p'

/** Milliseconds after the start. */
const KILL_AT = 30_000
const RESTART_AT = 42_000
/** A node drains for three seconds and then stops within two; one that does not is killed. */
const PATIENCE = 6_000

const root = fileURLToPath(new URL('..', import.meta.url))
const main = fileURLToPath(new URL('main.ts', import.meta.url))
const hasColours = process.env['NO_COLOR'] ? false : process.stdout.isTTY || Boolean(process.env['FORCE_COLOR'])
const paint = (colour: number, text: string): string => (hasColours ? `\x1b[${colour}m${text}\x1b[0m` : text)

interface Member {
  readonly name: string
  readonly colour: number
  readonly secret: string
  /** Where it listens, once it does; a restarted one listens there again. */
  address?: string
  process?: ChildProcess
}

const members: Member[] = [
  { name: 'alice', colour: 36, secret: newSecret() },
  { name: 'bob', colour: 33, secret: newSecret() },
  { name: 'carol', colour: 35, secret: newSecret() },
]
/** Peer id → name, so that the screen shows who talks to whom. */
const names = new Map<string, Member>()

const ending = new AbortController()
const { signal } = ending

function say(text: string): void {
  console.log(paint(1, `───── ${text}`))
}

function print({ name, colour }: Member, line: string): void {
  const named = line.replace(/(\/p2p\/)?(12D3KooW\w+)/g, (all, _, id: string) => {
    const member = names.get(id)
    return member === undefined ? all : paint(member.colour, all.startsWith('/') ? ` (${member.name})` : member.name)
  })
  console.log(`${paint(colour, name.padEnd(5))} │ ${line.includes('❌') ? paint(1, named) : named}`)
}

/** Starts a member and waits until it listens. */
async function launch(member: Member, boot?: Member): Promise<void> {
  const port = /\/tcp\/\d+/.exec(member.address ?? '')?.[0] ?? '/tcp/0'
  const args = ['--import', 'tsx', main, '--listen', `/ip4/127.0.0.1${port}`]
  if (boot?.address !== undefined) args.push(boot.address)
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, TINYP2P_SECRET: member.secret },
    // The channel ends with this process, however that ends, and the node then stops by itself.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  member.process = child
  const listening = new Promise<void>((resolve) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        const address = /listening on (\S+\/p2p\/(\S+))/.exec(line)
        if (address !== null) {
          member.address = address[1]!
          names.set(address[2]!, member)
          resolve()
        }
        print(member, line)
      })
    }
  })
  const ended = once(child, 'exit').then(([code, by]) => {
    if (member.process === child) delete member.process
    if (signal.aborted || by === 'SIGKILL') return
    say(`${member.name} ended by itself (${by ?? `code ${code}`}): the network ends too`)
    process.exitCode = 1
    ending.abort()
  })
  await Promise.race([listening, ended])
}

async function stop({ process: child }: Member): Promise<void> {
  if (child === undefined) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  clearTimeout(timer)
}

/** What the screen shows, one scene after the other. */
async function play(): Promise<void> {
  const [alice, bob, carol] = members as [Member, Member, Member]
  const pause = (milliseconds: number): Promise<void> => sleep(milliseconds, undefined, { signal })
  const until = (time: number): Promise<void> => pause(Math.max(1_000, time - performance.now()))
  say('three nodes: alice, and bob and carol who know only her. Ctrl-C ends them.')
  await launch(alice)
  await pause(1_000)
  await launch(bob, alice)
  await pause(1_000)
  await launch(carol, alice)
  await until(KILL_AT)
  say(`kill -9 of carol (process ${carol.process?.pid}): alice and bob will remove her`)
  carol.process?.kill('SIGKILL')
  await until(RESTART_AT)
  say('carol starts again, with her secret and her port: the same peer returns')
  await launch(carol, alice)
  say('the network goes on. Ctrl-C ends it.')
}

function readDuration(): number | undefined {
  try {
    const { values } = parseArgs({ options: { seconds: { type: 'string' }, minutes: { type: 'string' } } })
    if (values.seconds === undefined && values.minutes === undefined) return undefined
    const seconds = Number(values.seconds ?? 0) + 60 * Number(values.minutes ?? 0)
    if (seconds > 0 && seconds <= 86_400) return seconds * 1_000
    throw new Error('the time must be more than nothing and at most a day')
  } catch (error) {
    console.error(`${(error as Error).message}\n\nusage: npm start [-- --seconds <n> | --minutes <n>]`)
    process.exit(2)
  }
}

const duration = readDuration()
for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) process.on(event, () => ending.abort())
process.stdout.on('error', () => ending.abort())
// npm's shell does not hand signals on: whoever ends npm leaves us with another parent.
const parent = process.ppid
setInterval(() => process.ppid === parent || ending.abort(), 500).unref()
if (duration !== undefined) setTimeout(() => ending.abort(), duration).unref()

const over = once(signal, 'abort')
play().catch((error: unknown) => {
  if (signal.aborted) return
  console.error(error)
  process.exitCode = 1
  ending.abort()
})
await over
say('stopping')
await Promise.all(members.map(stop))
if (process.connected) process.disconnect()
