/** All attacks, by family. */
import type { Attack } from './attack.js'
import { crowds } from './crowds.js'
import { gossip } from './gossip.js'
import { hearsay } from './hearsay.js'
import { honest } from './honest.js'
import { identify } from './identify.js'
import { kad } from './kad.js'
import { nothing } from './nothing.js'
import { pins } from './pins.js'
import { requests } from './requests.js'
import { services } from './services.js'
import { session } from './session.js'
import { sockets } from './sockets.js'
import { streams } from './streams.js'
import { version1 } from './version1.js'

export const attacks: Attack[] = [
  ...[...nothing, ...sockets, ...streams, ...requests, ...session, ...version1, ...pins],
  ...[...gossip, ...kad, ...identify, ...services, ...hearsay, ...crowds, ...honest],
]
