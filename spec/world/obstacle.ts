/** Whether there can be a world here. */
import { execFileSync } from 'node:child_process'
import { carrier, env } from './program.js'

export const NEEDS = 'the world needs Linux, root, /dev/net/tun, cc, iproute2 and nftables'

/** Why there can be none; `undefined`: there can. */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux') return process.platform
  try {
    execFileSync(carrier(), ['check'], { stdio: 'pipe' })
    execFileSync('ip', ['-V'], { stdio: 'pipe', env })
    execFileSync('nft', ['-v'], { stdio: 'pipe', env })
    return undefined
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? '').trim() || (error as Error).message
  }
}
