/** The program of the page for those who come from Rust, beside a Rust node. */
import { afterEach, expect, it } from '@jest/globals'
import { bytes, text } from '../support/bytes.js'
import { killProcesses } from '../support/line-process.js'
import { addressOf, filesOf, start } from '../support/page-programs.js'
import { fromBase64, RustPeer, toBase64 } from '../support/rust-peer.js'

afterEach(killProcesses)

it('a program asks, is asked, broadcasts and hears', async () => {
  filesOf('how-to/from-rust.md')
  const rust = await RustPeer.start()
  const node = start('node.ts', [rust.address])
  const address = await addressOf(node)
  await node.line(/^is answered by version 1: Hello, request!$/)
  expect(text(await rust.request(address, bytes('from Rust')))).toBe('Hello, response!')
  await node.line(/^is asked: from Rust$/)

  await rust.waitFor('message', ({ data }) => text(fromBase64(data)).startsWith('Hello, a new block! #'), 20_000)
  await rust.command('broadcast', { topic: 'tx', data: toBase64(bytes('a transaction')) })
  await node.line(/^hears on tx: a transaction$/)
}, 60_000)
