/** A node with a directory is killed and starts again, and its boot node is gone: until a request of it to another peer is answered. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allKnow } from '../waiting.js'
import { answered, pause, type Scenario } from './scenario.js'

/** It writes down whom it knows half a second after it got to know them. */
const WRITTEN = 1_000

export const restart: Scenario = {
  name: 'restart with dataDir, boot node gone: until another peer is asked',
  hosts: ['boot', 'a', 'b'],
  goal: 2_000,
  waits: true,
  async measure(world, patience) {
    const dataDir = mkdtempSync(join(tmpdir(), 'tinyp2p-restart-'))
    try {
      const boot = await world.host('boot').node()
      const bootNodes = boot.at()
      const a = await world.host('a').node({ dataDir, bootNodes })
      const b = await world.host('b').node({ bootNodes })
      await allKnow([boot, a, b], 15_000)
      await pause(WRITTEN)
      await Promise.all([a.kill(), boot.kill()])
      await world.host('boot').removeAddress()
      const again = await world.host('a').node({ dataDir, bootNodes })
      if (again.peerId !== a.peerId) throw new Error('it is another peer')
      return await answered(again, b.peerId, { patience })
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
}
