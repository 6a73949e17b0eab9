/** Every reader of what strangers say, over the network or in a file. */
import type { Target } from '../target.js'
import { protocols } from './calls.js'
import { gossip } from './gossip.js'
import { identities } from './identify.js'
import { files } from './files.js'
import { kad } from './kad.js'
import { connections } from './lines.js'
import { secrets } from './noise.js'
import { session } from './session.js'
import { texts } from './texts.js'
import { wire } from './wire.js'

export const targets: readonly Target[] = [
  ...wire,
  ...session,
  ...protocols,
  ...gossip,
  ...connections,
  ...secrets,
  ...identities,
  ...kad,
  ...texts,
  ...files,
]
