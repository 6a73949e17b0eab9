/** The program of the page for those who come from Rust, beside a Rust node. */
import { afterEach, expect, it } from '@jest/globals'
import { filesOf, startAndHear } from '../support/how-to.js'
import { bytes, text } from '../support/bytes.js'
import { killProcesses } from '../support/line-process.js'
import { fromBase64, RustPeer, toBase64 } from '../support/rust-peer.js'

afterEach(killProcesses)

it('a program asks, is asked, broadcasts and hears', async () => {
  filesOf('from-rust.md')
  const rust = await RustPeer.start()
  const heard: string[] = []
  /** Waits for a line of the program. */
  let check = (): void => undefined
  const says = (line: string) =>
    new Promise<void>((resolve) => {
      check = () => heard.includes(line) && resolve()
      check()
    })
  const { line: address } = await startAndHear('node.ts', [rust.address], (line) => {
    heard.push(line)
    check()
  })
  await says('is answered by version 1: Hello, request!')
  expect(text(await rust.request(address, bytes('from Rust')))).toBe('Hello, response!')
  await says('is asked: from Rust')

  await rust.waitFor('message', ({ data }) => text(fromBase64(data)).startsWith('Hello, a new block! #'), 20_000)
  await rust.command('broadcast', { topic: 'tx', data: toBase64(bytes('a transaction')) })
  await says('hears on tx: a transaction')
}, 60_000)
