/** No attack: what the suite itself costs. */
import type { Attack } from './attack.js'

export const nothing: Attack[] = [
  {
    name: 'nothing',
    honest: true,
    does: 'Nobody attacks: the measure of the measure.',
    async run(context) {
      await context.start()
      await context.over
    },
  },
]
