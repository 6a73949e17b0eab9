/** All scenarios. */
import { addressChanges } from './address-change.js'
import { amnesia } from './amnesia.js'
import { besidesLarge } from './beside-large.js'
import { lateBootNodes } from './boot-late.js'
import { manyDeadAddresses } from './dead-addresses.js'
import { restart } from './restart.js'
import { rhythms } from './rhythms.js'
import type { Scenario } from './scenario.js'
import { sleeps } from './sleep.js'
import { slowLink, twoWayDial } from './slow-link.js'
import { twins } from './twins.js'

export const scenarios: Scenario[] = [
  ...[...twins, ...manyDeadAddresses],
  ...[
    amnesia,
    ...lateBootNodes,
    slowLink,
    twoWayDial,
    ...besidesLarge,
    ...sleeps,
    restart,
    ...addressChanges,
    ...rhythms,
  ],
]
