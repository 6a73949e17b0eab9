/** Runs one row of the hostile suite: four processes, a quiet phase, an attacked one, and what remains of it. */
import { execPath } from 'node:process'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { killProcesses } from '../support/line-process.js'
import { Orders } from '../world/orders.js'
import { bundle } from '../world/program.js'
import type { Attack, Victim } from './attacks/attack.js'
import type { Asked, Joined, Measured, Told } from './goals.js'
import { GOALS } from './goals.js'
import type { Outcome } from './tools/fate.js'

export interface Times {
  /** Honest requests before anything is measured: the programs have to be compiled, s. */
  warm: number
  /** Of each of the two phases, s. */
  seconds: number
  /** How long the victim's memory has to go back, s. */
  settle: number
  /** How long honest requests go on after the attack, s. */
  after: number
  perSecond: number
  strangersPerSecond: number
}

export const TIMES: Times = { warm: 3, seconds: 10, settle: 20, after: 3, perSecond: 200, strangersPerSecond: 1 }

/** How long an answer of a program may be late. A victim that stands still for longer is taken to do so for ever. */
const PATIENCE = 40_000
const MB = 1e6
const PAGE = 4_096

const URLS = {
  victim: new URL('programs/victim.ts', import.meta.url),
  honest: new URL('programs/honest.ts', import.meta.url),
  strangers: new URL('programs/strangers.ts', import.meta.url),
  attacker: new URL('programs/attacker.ts', import.meta.url),
}

/** Real-time priorities. A victim that computes without end must not keep those who measure that from a processor. */
const PRIORITIES = { honest: '12', strangers: '11', victim: '10' }

/**
 * What a program runs under. Other work on the machine would show as stalls of the victim: where we may, all but the attacker come before
 * it. In truth the attacker has a machine of its own; it gets a session, because Linux shares processors between these first, and says
 * itself that its one counts more.
 */
function priority(name: keyof typeof URLS): string[] {
  if (name === 'attacker') return ['setsid', 'nice', '-n', '-10']
  const realTime = ['--fifo', PRIORITIES[name]]
  return spawnSync('chrt', [...realTime, 'true']).status === 0 ? ['chrt', ...realTime] : ['nice', '-n', '-10']
}

async function start(name: keyof typeof URLS, args: string[] = []): Promise<Orders> {
  const [command = '', ...before] = priority(name)
  return new Orders(name, command, [...before, execPath, ...args, await bundle(URLS[name])])
}

/** Of a process, bytes; 0: it has ended. */
function resident(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE
  } catch {
    return 0
  }
}

/** @throws when a program of the suite itself fails; what the attack does to the victim is measured */
export async function measure(attack: Attack, times: Times = TIMES): Promise<Measured> {
  try {
    return await run(attack, times)
  } finally {
    await killProcesses()
  }
}

async function run(attack: Attack, times: Times): Promise<Measured> {
  const [victim, honest, strangers, attacker] = await Promise.all([
    start('victim', ['--expose-gc']),
    start('honest'),
    start('strangers'),
    start('attacker'),
  ])
  const { address, peerId, pid } = (await victim.ask('start', { config: attack.config ?? {} })) as Started
  const port = Number(address.split('/')[4])
  const late = (seconds: number): number => seconds * 1_000 + PATIENCE
  const ask = (seconds: number): Promise<Asked> =>
    honest.ask('ask', { seconds, perSecond: times.perSecond }, late(seconds)) as Promise<Asked>
  const join = (): Promise<Joined> => {
    const order = { address, seconds: times.seconds, perSecond: times.strangersPerSecond }
    return strangers.ask('join', order, late(times.seconds)) as Promise<Joined>
  }
  const order = async <T>(what: string, otherwise: T): Promise<T> =>
    (await victim.ask(what, {}, PATIENCE).catch(() => otherwise)) as T

  await honest.ask('connect', { address })
  await Promise.all([
    ask(times.warm),
    attacker.ask('prepare', { name: attack.name, victim: { address, peerId, port } }, PATIENCE),
  ])
  await order('stall', 0)
  const [quiet] = await Promise.all([ask(times.seconds), join()])
  const before = (await order('memory', 0)) / MB
  const stallQuiet = await order('stall', PATIENCE)

  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, resident(pid) / MB)), 50)
  // Collecting garbage was a stall, and is none of the attack's.
  await order('stall', 0)
  await attacker.ask('start')
  const attacked = Promise.all([ask(times.seconds), join()])
  await Promise.race([attacked, new Promise((resolve) => setTimeout(resolve, times.seconds * 1_000))])
  const told = await order<Told>('told', { refused: {}, waiting: 0 })
  const outcome = (await attacker.ask('stop', {}, PATIENCE)) as Outcome
  await attacker.kill()
  const over = performance.now()
  const [asked, joined] = await attacked
  const afterwards = await ask(times.after)
  const stallAttacked = await order('stall', PATIENCE)
  const isStill = stallAttacked >= PATIENCE
  const { after, back } = isStill
    ? { after: resident(pid) / MB, back: undefined }
    : await settled(order, before, over, times.settle)
  clearInterval(watch)
  return {
    name: attack.name,
    quiet,
    attacked: asked,
    afterwards,
    strangers: joined,
    memory: { before, peak, after },
    back,
    stall: { quiet: stallQuiet, attacked: stallAttacked },
    attacker: outcome,
    told,
    seconds: times.seconds,
    ...(resident(pid) === 0 && { died: 'its process ended' }),
  }
}

interface Started extends Victim {
  pid: number
}

/** Waits until the memory is back, as long as it may take. */
async function settled(
  order: (what: string, otherwise: number) => Promise<number>,
  before: number,
  over: number,
  seconds: number,
): Promise<{ after: number; back: number | undefined }> {
  for (;;) {
    const after = (await order('memory', 1e12)) / MB
    const past = (performance.now() - over) / 1_000
    if (after <= before + GOALS.back) return { after, back: past }
    if (past >= seconds) return { after, back: undefined }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
