/** The key of a node on disk: stored twice, each time with a checksum, so that one wrong byte does not lose the identity. */
import { copyFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { base58btc } from 'multiformats/bases/base58'
import { messageOf } from '../edge/checks.js'
import type { PlainLogger } from '../edge/log.js'
import { P2pError } from '../errors.js'
import { newSecret, parseSecret } from '../secret.js'
import { copiesIn, readText, replaceFile, setAside, twice } from './files.js'

/** What only a node that had a key has left behind. */
const TRACES = /^(peers|ports|(peers|ports|key)\.damaged-\d+)$/

/**
 * The key in this directory, which is on disk then. `given`: the secret of the config, and the key where there is none yet.
 * @throws `InvalidConfig`: `given` is another one; `InvalidSecretKey`: the key is damaged, or it is gone and other files of the node
 * are there
 */
export async function keyOf(
  directory: string,
  given: string | Uint8Array | undefined,
  log: PlainLogger,
): Promise<string> {
  const path = keyFile(directory)
  const text = await readText(path)
  const wanted = given === undefined ? undefined : base58btc.baseEncode(parseSecret(given))
  if (text === undefined) return writeKey(path, wanted ?? (await firstSecret(directory)))
  await warnOfMode(path, log)
  const copies = copiesIn(text)
  const key = copies.find((copy) => copy !== undefined)
  if (key === undefined && wanted === undefined) {
    const advice = 'restore it, pass its secret, or move dataDir away to begin with a new identity'
    throw new P2pError('InvalidSecretKey', `the key in ${path} is damaged: ${advice}`)
  }
  if (key !== undefined && wanted !== undefined && key !== wanted) {
    throw new P2pError(
      'InvalidConfig',
      'secret and dataDir name two identities: leave out secret, or choose another dataDir',
    )
  }
  if (key !== undefined && copies.length === 2 && copies.every((copy) => copy === key)) return key
  const own = (key ?? wanted)!
  try {
    const aside = await setAside(path, copyFile)
    await writeKey(path, own)
    log('warn', `the key file was damaged and is repaired; what was there is in ${aside}`)
  } catch (cause) {
    log('warn', `the key file ${path} is damaged and could not be repaired: ${messageOf(cause)}`, cause)
  }
  return own
}

export function keyFile(directory: string): string {
  return join(directory, 'key')
}

/** A lost key would be replaced silently: nobody would know the node any more, and why. */
async function firstSecret(directory: string): Promise<string> {
  const trace = (await readdir(directory)).find((name) => TRACES.test(name))
  if (trace === undefined) return newSecret()
  const advice = 'restore it, pass its secret, or move dataDir away to begin with a new identity'
  throw new P2pError('InvalidSecretKey', `the key is missing in ${directory}, where ${trace} is still there: ${advice}`)
}

async function writeKey(path: string, secret: string): Promise<string> {
  await replaceFile(path, twice(secret))
  return secret
}

async function warnOfMode(path: string, log: PlainLogger): Promise<void> {
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) log('warn', `others may read the key ${path}: chmod 600 it`)
}
