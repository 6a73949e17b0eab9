/** Every reader of what strangers say, over the network or in a file. */
import type { Target } from '../target.js'
import { protocols } from './calls.js'
import { session } from './session.js'
import { wire } from './wire.js'

export const targets: readonly Target[] = [...wire, ...session, ...protocols]
