/** Ours as another checkout has it, built: `--against <its folder>` names it. So old and new are measured in pairs. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Ours from '../../src/index.js'
import type { Contestant } from './contestant.js'
import { oursFrom } from './session.js'

const built = pathToFileURL(join(process.env.TINYP2P_BENCH_AGAINST ?? '.', 'dist', 'index.js'))
const { createNode } = (await import(built.href)) as typeof Ours

export const contestant: Contestant = oursFrom(createNode)
