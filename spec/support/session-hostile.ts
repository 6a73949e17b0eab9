/** Frames that a hostile or broken peer might send over a session. */
import type { Random } from '../../src/testing/network/random.js'
import * as wire from './session.js'

const NUMBERS = [0, 1, 2, 31, 32, 33, 127, 128, 16_384, 65_536, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]

function number(random: Random): number {
  return random.below(3) === 0 ? NUMBERS[random.below(NUMBERS.length)]! : random.below(300)
}

function payload(random: Random): Uint8Array {
  return random.bytes(random.below(100) === 0 ? random.below(2_000) : random.below(12))
}

function total(random: Random): number | undefined {
  return random.below(4) === 0 ? random.below(100) : undefined
}

/** A frame that a reader can read; whether it fits what was said before is another question. `id`: mostly this one. */
export function someFrame(random: Random, id = 1 + random.below(4)): Uint8Array {
  switch (random.below(9)) {
    case 0:
      return wire.hello({ [random.below(5)]: number(random) })
    case 1: {
      const lossy = random.below(4) === 0 ? { policy: random.below(3), buffer: 1 + random.below(3) } : undefined
      const asked = { timeout: number(random), credit: random.below(500), one: random.below(2) === 0 }
      const more = total(random)
      return wire.request(id, payload(random), {
        ...asked,
        ...(lossy === undefined ? {} : { lossy }),
        ...(more === undefined ? {} : { total: more }),
      })
    }
    case 2:
      return wire.data(id, payload(random), random.below(2) === 0)
    case 3: {
      const more = total(random)
      const how = { more: random.below(4) === 0, last: random.below(3) === 0 }
      return wire.reply(id, payload(random), more === undefined ? how : { ...how, total: more })
    }
    case 4:
      return wire.end(id)
    case 5:
      return wire.fail(id, 'Busy', random.below(10), 'no')
    case 6:
      return wire.cancel(id)
    case 7:
      return wire.credit(id, 1 + number(random))
    default:
      return wire.frame(0x88 | random.below(8), id, payload(random))
  }
}
