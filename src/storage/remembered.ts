/**
 * The files with what a node remembers: its peers, and the ports that it had. Ports have a file of their own, which is seldom written: a
 * node that has lost its peers is still found where it was.
 */
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../edge/checks.js'
import { checkPeerId, checkTcpAddress } from '../edge/targets.js'
import type { Settings } from '../core/settings.js'
import type { PlainLogger } from '../edge/log.js'
import { NoFile } from '../platform/disk.js'
import { copiesIn, readText, replaceFile, setAside, twice } from './files.js'

export interface Remembered {
  peers: Settings['remembered']
  /** Address of `listen` → the free port that it got. */
  ports: Record<string, number>
}

const NO_PEERS = 'the node knows nobody until a peer finds it, or bootNodes or keep name one'
const NO_PORTS = 'where listen names no port the node takes another one, and its peers look for it at the old one'

/** Those of the files that could not be written, by what is in them, and why. One that cannot be written keeps no other from it. */
export async function writeRemembered(directory: string, { peers, ports }: Remembered): Promise<Map<string, unknown>> {
  const failures = new Map<string, unknown>()
  const write = async (name: keyof Remembered, content: unknown, isSeldom = false): Promise<void> => {
    const path = join(directory, name)
    const text = twice(JSON.stringify(content))
    try {
      if (!isSeldom || (await readText(path).catch(() => undefined)) !== text) await replaceFile(path, text)
    } catch (cause) {
      failures.set(name, cause)
    }
  }
  // First the ports, because an earlier version kept them in the file of the peers.
  if (Object.keys(ports).length > 0) await write('ports', ports, true)
  await write('peers', { version: 1, peers })
  return failures
}

/** What cannot be read is told. */
export async function readRemembered(directory: string, log: PlainLogger): Promise<Remembered> {
  const file = <T>(name: string, of: (value: unknown) => T, lost: string): Promise<T | undefined> =>
    readCopies({ path: join(directory, name), name, of, lost }, log)
  const peers = await file('peers', (value) => ({ peers: peersOf(value), ports: oldPortsOf(value) }), NO_PEERS)
  const ports = await file('ports', portsOf, NO_PORTS)
  return { peers: peers?.peers ?? [], ports: ports ?? peers?.ports ?? {} }
}

interface Copies<T> {
  path: string
  /** Of what is remembered. */
  name: string
  /** Throws when it is not that. */
  of: (value: unknown) => T
  /** What follows when no copy is whole. */
  lost: string
}

async function readCopies<T>({ path, name, of, lost }: Copies<T>, log: PlainLogger): Promise<T | undefined> {
  try {
    const text = await readText(path)
    if (text === undefined) return undefined
    const copies = copiesIn(text).map((copy) => parsed(copy, of))
    const whole = copies.find((copy) => copy !== undefined)
    if (whole !== undefined && !copies.includes(undefined)) return whole
    const [loss, move] =
      whole === undefined ? [`are lost: ${lost}`, undefined] : ['are whole in a second copy', copyFile]
    // In a directory that cannot be written it stays.
    const aside = await setAside(path, move).catch(() => path)
    log('warn', `the remembered ${name} were damaged, and ${loss}; what was there is in ${aside}`)
    return whole
  } catch (cause) {
    // It would be in the way of the file that is written later.
    const aside = cause instanceof NoFile ? await setAside(path).catch(() => path) : path
    const place = aside === path ? '' : `; what was there is ${aside}`
    log('warn', `the remembered ${name} could not be read: ${lost}: ${messageOf(cause)}${place}`, cause)
    return undefined
  }
}

function parsed<T>(copy: string | undefined, of: (value: unknown) => T): T | undefined {
  try {
    return copy === undefined ? undefined : of(JSON.parse(copy))
  } catch {
    return undefined
  }
}

/**
 * Fields that a later version has added are ignored, and so are addresses that this version does not dial: peers say of themselves what
 * they like.
 */
function peersOf(value: unknown): Remembered['peers'] {
  return (value as Remembered).peers.map(({ peer, addresses, age }) => {
    if (!Number.isFinite(age)) throw new TypeError('an age is a number')
    // None was good in the future.
    return { peer: checkPeerId(peer), addresses: addresses.filter(isTcp), age: Math.max(0, age) }
  })
}

function portsOf(value: unknown): Remembered['ports'] {
  const ports = value as Remembered['ports']
  if (!Object.values(ports).every(isPort)) throw new TypeError('a port is a number')
  return ports
}

/** Of a file of peers, where an earlier version kept them. */
function oldPortsOf(value: unknown): Remembered['ports'] | undefined {
  try {
    return portsOf((value as Remembered).ports)
  } catch {
    return undefined
  }
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536
}

function isTcp(address: string): boolean {
  try {
    checkTcpAddress(address)
    return true
  } catch {
    return false
  }
}
