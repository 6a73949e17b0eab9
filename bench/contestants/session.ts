/** Ours, as a user has it: `createNode` and `request`, which between two of ours goes over a session. */
import { createNode } from '../../src/index.js'
import type { Contestant } from './contestant.js'
import { oursFrom } from './ours.js'

export const contestant: Contestant = oursFrom(createNode)
