/** Where and with what the figures were taken. */
import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'

/** What takes part, beside Node itself. */
const PACKAGES = [
  ...['libp2p', '@chainsafe/libp2p-noise', '@chainsafe/libp2p-yamux', '@chainsafe/libp2p-gossipsub', 'rxjs'],
  ...['protomux-rpc', '@hyperswarm/secret-stream', '@grpc/grpc-js', 'ws'],
]

/** Lines of Markdown. To be called before the machine is kept busy. */
export function describeMachine(now: Date): string[] {
  const processors = cpus()
  const gib = (totalmem() / 2 ** 30).toFixed(1)
  return [
    `- ${now.toISOString().slice(0, 16).replace('T', ' ')} UTC, load average ${loadavg()[0]?.toFixed(2)} before the start`,
    `- ${processors.length} cores, ${processors[0]?.model.trim() ?? 'unknown'}; ${gib} GiB of memory`,
    `- ${type()} ${release()} ${arch()}, Node ${process.version}`,
    `- ${PACKAGES.map(versionOf).join(', ')}`,
  ]
}

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  const read = JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string }
  return `${read.name} ${read.version}`
}
