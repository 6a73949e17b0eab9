/** What a node of ours costs before anything is asked of it: the time to start, memory for each connection, CPU while idle. */
import type { Compiled } from '../harness/compile.js'
import { median } from '../harness/statistics.js'
import { number, table } from '../harness/table.js'
import { Worker } from '../harness/worker.js'
import type * as NodeProcess from './node-process.js'

const SOURCE = 'bench/extras/node-process.ts'
const MiB = 2 ** 20
const CONNECTIONS = [0, 1, 50]

function start(compiled: Compiled, what: string, execArgv: string[] = []): Promise<Worker<typeof NodeProcess>> {
  return Worker.start<typeof NodeProcess>(compiled, SOURCE, what, execArgv)
}

/** Fresh processes, one after the other. */
export async function startUp(compiled: Compiled, runs: number, progress: (what: string) => void): Promise<string> {
  const imported: number[] = []
  const listening: number[] = []
  for (let run = 1; run <= runs; run++) {
    progress(`start: ${run} of ${runs}`)
    const worker = await start(compiled, 'start')
    const times = await worker.call('startUp')
    await worker.end()
    imported.push(times.imported)
    listening.push(times.listening)
  }
  return [
    '## Start',
    `Medians of ${runs} fresh processes: \`import\` takes ${number(median(imported))} ms; from the beginning of it to listening ` +
      `it is ${number(median(listening))} ms.`,
  ].join('\n\n')
}

/** A node in a process of its own; its peers share another one, and each has asked it something. */
export async function memory(compiled: Compiled, progress: (what: string) => void): Promise<string> {
  progress('memory: starting')
  const hub = await start(compiled, 'memory', ['--expose-gc'])
  const peers = await start(compiled, 'memory (peers)')
  const { address } = await hub.call('startUp')
  const samples: { held: number; resident: number }[] = []
  let connected = 0
  for (const count of CONNECTIONS) {
    progress(`memory: ${count} connections`)
    await peers.call('askFrom', count - connected, address)
    connected = await hub.call('connections')
    if (connected !== count) throw new Error(`memory: ${connected} connections instead of ${count}`)
    samples.push(await hub.call('memory'))
  }
  await Promise.all([hub.end(), peers.end()])
  const rows = samples.map(({ held, resident }, index) => {
    const before = samples[index - 1]
    const more = (CONNECTIONS[index] ?? 0) - (CONNECTIONS[index - 1] ?? 0)
    const each = before === undefined ? '' : number((held - before.held) / 1_024 / more)
    return [String(CONNECTIONS[index]), number(held / MiB), number(resident / MiB), each]
  })
  return [
    '## Memory',
    'After a garbage collection; each connection is to a peer that has asked one thing over a session. Held: heap and buffers.',
    table(['connections', 'held MiB', 'resident MiB', 'held KiB for each more'], rows),
  ].join('\n\n')
}

/** Two nodes, one with nobody and one with a peer that has asked something, for `time` ms each, at the same time. */
export async function idle(compiled: Compiled, time: number, progress: (what: string) => void): Promise<string> {
  progress('idle: starting')
  const [alone, hub, peer] = await Promise.all(
    ['idle, alone', 'idle', 'idle (peer)'].map((what) => start(compiled, what)),
  )
  if (alone === undefined || hub === undefined || peer === undefined) throw new Error('idle: no processes')
  await alone.call('startUp')
  const { address } = await hub.call('startUp')
  await peer.call('askFrom', 1, address)
  progress(`idle: ${time / 1_000} s`)
  // What follows a start (identify, the first tick, garbage) is over by then.
  await pause(Math.min(time / 2, 6_000))
  const share = async (worker: Worker<typeof NodeProcess>): Promise<number> => {
    const began = performance.now()
    const before = await worker.call('cpu')
    await pause(time)
    return ((await worker.call('cpu')) - before) / (performance.now() - began)
  }
  const shares = await Promise.all([share(alone), share(hub)])
  await Promise.all([alone.end(), hub.end(), peer.end()])
  const [a, b] = shares.map(number)
  return [
    '## Idle',
    `CPU time of a node that nobody asks, over ${time / 1_000} s: ${a} ms a second alone, ${b} ms a second with one peer.`,
  ].join('\n\n')
}

function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time))
}
