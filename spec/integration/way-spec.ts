/** The way of one request as CONTRIBUTING.md tells it: V8 counts the files of src that run while one goes out and comes back. */
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../support/another-process.js'
import { bytes, startNode, stopNodes } from '../support/nodes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

afterAll(async () => {
  await stopNodes()
  await endProcesses()
})

/** The files of src that run meanwhile, without their `.ts`. */
async function filesOf(run: () => Promise<unknown>): Promise<string[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await run()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  // A function without a name is the file itself, as it is loaded.
  const ran = result.filter(({ functions }) => functions.some((one) => one.functionName && one.ranges[0]!.count > 0))
  const names = ran.map(({ url }) => /\/src\/(.+)\.ts$/.exec(url.replace(root, '/'))?.[1] ?? '')
  return names.filter((name) => name !== '' && !name.includes('node_modules')).sort()
}

it('passes the files that CONTRIBUTING.md names, and runs as many as it says', async () => {
  const text = readFileSync(`${root}CONTRIBUTING.md`, 'utf8')
  const [, said, list] = /itself passes (\d+) files of `src\/` on its way out: ([^.]+)\./.exec(text)!
  const named = [...list!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
  expect(named).toHaveLength(Number(said))

  const other = await AnotherProcess.start()
  const node = await startNode({ bootNodes: other.addresses })
  const request = () => node.request(other.peerId, bytes('x'))
  for (let i = 0; i < 20; i++) await request()
  // Something else may run beside: the least of some is the request's own.
  const all = Number(/In all (\d+) files of `src\/` run for it/.exec(text)![1])
  let least = await filesOf(request)
  for (let i = 0; i < 100 && least.length > all; i++) {
    const files = await filesOf(request)
    if (files.length < least.length) least = files
  }
  expect(least).toEqual(expect.arrayContaining(named))
  expect(least).toHaveLength(all)
})
