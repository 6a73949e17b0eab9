/** Ours between nodes that only speak version 1: a stream for each request, as a Rust peer is asked. */
import { REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import type { Contestant } from './contestant.js'
import { launchOurs } from './launched.js'
import { oursFrom } from './ours.js'

export const contestant: Contestant = oursFrom((config) => launchOurs(config, { protocols: [REQUEST_RESPONSE_V1] }))
