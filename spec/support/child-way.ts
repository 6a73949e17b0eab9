/** Which files of src run for a request, counted by V8 in a process of its own: nothing of other specs runs beside it. */
import { Session } from 'node:inspector/promises'
import type { P2pNode } from 'tinyp2p'

export interface WayOrders {
  /** Resolves with the files of src that run for one request of that peer, without their `.ts`: the least of some tries. */
  way: { peer: string }
}

const WARM = 20
const TRIES = 50

export async function obeyAboutWay(node: P2pNode, { peer }: WayOrders['way']): Promise<string[]> {
  const request = (): Promise<Uint8Array> => node.request(peer, new Uint8Array(1))
  for (let i = 0; i < WARM; i++) await request()
  // Something else may run beside: the least of some is the request's own.
  let least = await filesOf(request)
  for (let i = 0; i < TRIES; i++) {
    const files = await filesOf(request)
    if (files.length < least.length) least = files
  }
  return least
}

/** The files of src that run meanwhile. */
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
  const names = ran.map(({ url }) => (url.includes('/node_modules/') ? undefined : /\/src\/(.+)\.ts$/.exec(url)?.[1]))
  return names.filter((name) => name !== undefined).sort()
}
