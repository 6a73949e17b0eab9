/** A copy of the repository in the system's temporary folder, without its packages. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Removed when `use` is over. */
export async function withCopy(root: string, use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-upstream-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const interrupted = (): never => process.exit(130)
  process.once('exit', remove).once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
    for (const file of listed.toString().split('\0')) {
      // One that was deleted and not committed is still listed.
      if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(folder, file))
    }
    await use(folder)
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    remove()
  }
}
