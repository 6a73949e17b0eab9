/**
 * The demo node: the example program of the Rust tinyp2p, with this library.
 *
 *   npx tsx examples/main.ts                       the first node; it prints its multiaddr
 *   npx tsx examples/main.ts <that multiaddr>      another one, which joins it
 */
import { parseArgs } from 'node:util'
import { createNode, P2pError, type LogEntry, type P2pNode } from 'tinyp2p'

const USAGE = `usage: npx tsx examples/main.ts [--listen <multiaddr>] [<boot node's multiaddr>]

  --listen <multiaddr>   where to listen (default: /ip4/0.0.0.0/tcp/0)
  TINYP2P_SECRET=…       in the environment: the node's secret (default: a new identity)`

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What a stranger sent, safe for a terminal. */
const show = (data: Uint8Array): string =>
  new TextDecoder().decode(data.subarray(0, 200)).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '·')

function log(line: string): void {
  console.log(`${new Date().toTimeString().slice(0, 8)} ${line}`)
}

function badUsage(message: string): never {
  console.error(`${message}\n\n${USAGE}`)
  process.exit(2)
}

function readCommandLine(): { listen: string; boot: string[] } {
  try {
    const options = { listen: { type: 'string', default: '/ip4/0.0.0.0/tcp/0' }, help: { type: 'boolean' } } as const
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    if (values.help === true) {
      console.log(USAGE)
      process.exit(0)
    }
    if (positionals.length > 1) throw new Error(`one boot node at most, not ${positionals.length}`)
    return { listen: values.listen, boot: positionals }
  } catch (error) {
    return badUsage((error as Error).message)
  }
}

async function start(): Promise<P2pNode> {
  const { listen, boot } = readCommandLine()
  const secret = process.env['TINYP2P_SECRET']
  const logger = ({ level, message }: LogEntry): void => {
    if (level !== 'debug') log(level === 'info' ? message : `❌ ${message}`)
  }
  try {
    const identity = secret === undefined ? {} : { secret }
    return await createNode({ listen, bootNodes: boot, topics: ['block', 'tx'], logger, ...identity })
  } catch (error) {
    if (!(error instanceof P2pError)) throw error
    if (error.code.startsWith('Invalid')) return badUsage(error.message)
    console.error(`❌ ${error.code}: ${error.message}`)
    return process.exit(1)
  }
}

/** What is in flight at the end may take so long, ms. */
const DRAIN = 3_000

/** Ctrl-C, `kill`, or the end of the program that started us. Listened for before the node starts. */
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']
const end = new Promise<void>((resolve) => {
  for (const event of ENDS) process.on(event, () => resolve())
})
const node = await start()

/** Blocks are numbered through the network: the same bytes again within a minute would be suppressed. */
let block = 0

node.setEventHandler({
  handleInboundRequest(data, { from }) {
    log(`<<<< request from ${from}: ${show(data)}`)
    log(`>>>> response to ${from}: Hello, response!`)
    return encode('Hello, response!')
  },
  handleBroadcast(topic, data, { from }) {
    log(`<<<< broadcast on ${topic} from ${from}: ${show(data)}`)
    const number = /^Hello, a new block! #(\d{1,15})$/.exec(show(data))?.[1]
    block = Math.max(block, Number(number ?? 0))
  },
})

async function logStatus(): Promise<void> {
  const { knownPeersCount, connections } = await node.status()
  log(`📋 status: ${knownPeersCount} known, ${connections.length} connected`)
}

async function sendRequest(): Promise<void> {
  const [peer] = Object.keys(await node.knownPeers())
  if (peer === undefined) return log('☕ no request: no peer is known')
  log(`>>>> request to ${peer}: Hello, request!`)
  const response = await node.request(peer, encode('Hello, request!'))
  log(`<<<< response from ${peer}: ${show(response)}`)
}

async function sendBroadcast(): Promise<void> {
  const text = `Hello, a new block! #${++block}`
  log(`📣 >>>> broadcast on block: ${text}`)
  const { recipients } = await node.broadcast('block', encode(text))
  if (recipients.length === 0) log('☕ nobody is there to hear it')
}

/** A peer may go away at any time: that is an error of one attempt, and the node goes on. */
function every(milliseconds: number, what: string, action: () => Promise<void>): NodeJS.Timeout {
  return setInterval(() => {
    action().catch((error: unknown) => {
      const { code, message } = error as P2pError
      if (code !== 'NodeStopped') log(`❌ ${what} failed: ${code}: ${message}`)
    })
  }, milliseconds)
}

const timers = [
  every(7_000, 'the status', logStatus),
  every(11_000, 'the request', sendRequest),
  every(13_000, 'the broadcast', sendBroadcast),
]

// Resolves also when the node ends by itself.
const reason = await Promise.race([end, node.closed])
timers.forEach(clearInterval)
if (reason !== undefined) {
  console.error(`❌ ${reason.code}: ${reason.message}`)
  process.exit(1)
}
log('👋 stopping')
// Whoever cannot wait says it again.
for (const event of ENDS) process.on(event, () => void node.stop())
await node.stop({ drain: DRAIN })
const cut = await node.closed
if (cut !== undefined) log(`❌ ${cut.message}`)
log('👋 stopped')
// The channel to the program that started us, if there is one, would keep this process alive.
if (process.connected) process.disconnect()
