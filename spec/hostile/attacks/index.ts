/** All attacks, by family. */
import type { Attack } from './attack.js'
import { nothing } from './nothing.js'
import { requests } from './requests.js'
import { sockets } from './sockets.js'

export const attacks: Attack[] = [...nothing, ...sockets, ...requests]
