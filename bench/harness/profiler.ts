/** V8's profiler of this process: where its CPU time goes, by whose code it is. */
import { Session, type Profiler } from 'node:inspector/promises'
import { shares, type Shares } from './shares.js'

/** Between two samples, µs. */
const INTERVAL = 250

let session: Session | undefined

export async function startProfile(): Promise<void> {
  session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
  await session.post('Profiler.start')
}

/** µs since `startProfile`, by owner. */
export async function stopProfile(): Promise<Shares> {
  if (session === undefined) throw new Error('no profile was started')
  const { profile }: { profile: Profiler.Profile } = await session.post('Profiler.stop')
  session.disconnect()
  session = undefined
  return shares(profile)
}
