/** What runs in a process of its own: one network, whose figures go to the process that asked for it. */
import { measure } from './measure.js'
import { underLoad } from './under-load.js'

const [what, size, seconds] = process.argv.slice(2)
process.send!(what === 'load' ? await underLoad(Number(size), Number(seconds)) : await measure(Number(size)))
