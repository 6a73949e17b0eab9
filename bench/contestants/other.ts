/**
 * Ours as another checkout has it (`--against`), compiled as this one is: so old and new are measured in pairs. The environment
 * variable carries its compiled `src/index.js` to the processes.
 */
import { pathToFileURL } from 'node:url'
import type * as Ours from '../../src/index.js'
import type { Contestant } from './contestant.js'
import { oursFrom } from './ours.js'

const { createNode } = (await import(pathToFileURL(process.env.TINYP2P_BENCH_AGAINST ?? '').href)) as typeof Ours

export const contestant: Contestant = oursFrom(createNode)
