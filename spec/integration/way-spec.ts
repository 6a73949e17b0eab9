/** The way of one request as CONTRIBUTING.md tells it: V8 counts the files of src that run while one goes out and comes back. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../support/another-process.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

afterAll(endProcesses)

it('passes the files that CONTRIBUTING.md names, and runs as many as it says', async () => {
  const text = readFileSync(`${root}CONTRIBUTING.md`, 'utf8')
  const [, said, list] = /itself passes (\d+) files of `src\/` on its way out: ([^.]+)\./.exec(text)!
  const named = [...list!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
  expect(named).toHaveLength(Number(said))

  const answering = await AnotherProcess.start()
  const asking = await AnotherProcess.start({ bootNodes: answering.addresses })
  const all = Number(/In all (\d+) files of `src\/` run for it/.exec(text)![1])
  const files = await asking.order('way', { peer: answering.peerId })
  expect(files).toEqual(expect.arrayContaining(named))
  expect(files).toHaveLength(all)
}, 60_000)
