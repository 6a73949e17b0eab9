/** The file with what a node remembers: peers, and the ports that it had. */
import { checkPeerId, checkTcpAddress, messageOf } from '../edge/checks.js'
import type { Settings } from '../core/settings.js'
import type { Logger } from '../edge/log.js'
import { readText, replaceFile, sealed, setAside, unsealed } from './files.js'

export interface Remembered {
  peers: Settings['remembered']
  /** Address of `listen` → the free port that it got. */
  ports: Record<string, number>
}

export function writeRemembered(path: string, remembered: Remembered): Promise<void> {
  return replaceFile(path, sealed(JSON.stringify({ version: 1, ...remembered })))
}

/** What cannot be read is told. */
export async function readRemembered(path: string, log: Logger): Promise<Remembered> {
  const nothing = { peers: [], ports: {} }
  try {
    const text = await readText(path)
    if (text === undefined) return nothing
    const remembered = rememberedOf(text)
    if (remembered !== undefined) return remembered
    const aside = await setAside(path)
    log('warn', `the remembered peers were damaged, and begin anew; what was there is in ${aside}`)
  } catch (cause) {
    log('warn', `the remembered peers could not be read: ${messageOf(cause)}`, cause)
  }
  return nothing
}

/**
 * `undefined`: it is damaged. Fields that a later version has added are ignored, and so are addresses that this version does not
 * dial: peers say of themselves what they like.
 */
function rememberedOf(text: string): Remembered | undefined {
  const content = unsealed(text)
  if (content === undefined) return undefined
  try {
    // Before there were ports, files had none.
    const { peers, ports = {} } = JSON.parse(content) as Remembered
    if (!Object.values(ports).every(isPort)) throw new TypeError('a port is a number')
    return {
      ports,
      peers: peers.map(({ peer, addresses, age }) => {
        if (!Number.isFinite(age)) throw new TypeError('an age is a number')
        return { peer: checkPeerId(peer), addresses: addresses.filter(isTcp), age }
      }),
    }
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
