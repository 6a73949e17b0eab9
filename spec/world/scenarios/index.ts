/** All scenarios. */
import { addressChanges } from './address-change.js'
import { amnesia } from './amnesia.js'
import { lateBootNodes } from './boot-late.js'
import { manyDeadAddresses } from './dead-addresses.js'
import { frozenTwin, frozenTwinBroadcasts } from './frozen-twin.js'
import type { Scenario } from './scenario.js'
import { sleeps } from './sleep.js'
import { slowLink } from './slow-link.js'

export const scenarios: Scenario[] = [
  ...[frozenTwin, frozenTwinBroadcasts, ...manyDeadAddresses],
  ...[amnesia, ...lateBootNodes, slowLink, ...sleeps, ...addressChanges],
]
