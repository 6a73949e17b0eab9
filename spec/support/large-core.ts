/** A core that takes large messages, between Bob and Carol, and one such message with its hash. */
import { createHash } from 'node:crypto'
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import type { Settings } from '../../src/core/settings.js'
import { encodeAnnouncement } from '../../src/wire/gossip/announcement.js'
import { subscribe } from './broadcasts.js'
import { ServiceCore } from './service-core.js'
import { filled } from './session.js'

export const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest())

export const LARGE = filled(150_000)
export const HASH = sha256(LARGE)

/** The announcement of a message. */
export const announced = (data = LARGE, size = data.length): Uint8Array =>
  encodeAnnouncement({ hash: sha256(data), size })

/** Messages of up to 1,000,000 bytes. */
export function large(settings: Partial<Settings> = {}): ServiceCore {
  const core = new ServiceCore({ maxLargeMessage: 1_000_000, ...settings })
  for (const name of ['bob', 'carol']) core.peer(name)
  core.run(subscribe)
  return core
}

/** The hashes that these effects ask for are computed: what follows from them. */
export function digested(core: ServiceCore, effects: Effect[]): string[] {
  const hashes = effects.flatMap((effect): Event[] =>
    effect.type === 'digest' ? [{ type: 'digested', digest: effect.digest, hash: sha256(effect.data) }] : [],
  )
  return core.lines(...hashes)
}
