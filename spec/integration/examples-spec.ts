/** Programs of `examples/` that end by themselves are run. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What it prints. It must end by itself, and have nothing to complain of. */
async function linesOf(example: string): Promise<string[]> {
  const args = ['--import', 'tsx', `examples/${example}`]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 50_000 })
  expect(stderr).toBe('')
  return stdout.trim().split('\n')
}

it('examples/peers.ts follows a peer, and brings a network back without a boot node', async () => {
  const lines = await linesOf('peers.ts')
  expect(lines).toContain('bob sees alice: identified')
  expect(lines.slice(-3)).toEqual([
    'the way to alice is measured',
    'bob has stopped',
    'the same peers, without a boot node: true',
  ])
}, 60_000)

it('examples/broadcast.ts waits for its peers, is heard by both, and may not repeat itself', async () => {
  const lines = await linesOf('broadcast.ts')
  expect(lines.slice(0, 3).sort()).toEqual([
    expect.stringMatching(/^bob heard the news from 12D3KooW/),
    expect.stringMatching(/^carol heard the news from 12D3KooW/),
    'sent to 2 peers',
  ])
  expect(lines.slice(3)).toEqual([expect.stringMatching(/^DuplicateMessage: /)])
}, 60_000)

it('examples/protocol.ts asks, is refused, and hears what was broadcast once', async () => {
  expect(await linesOf('protocol.ts')).toEqual([
    "{ height: 2, text: 'third' }",
    'HELLO, alice!',
    '1 second',
    '2 third',
    expect.stringMatching(/^NotFound: .* no such block$/),
    "{ height: 3, text: 'fourth' }",
  ])
}, 60_000)
