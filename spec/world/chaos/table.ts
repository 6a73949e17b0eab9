/** The report of chaos as a table. */
import type { Growth } from './audit.js'
import { GOAL, show, type ChaosReport } from './run.js'

export function tableOf(report: ChaosReport): string {
  const { broadcasts, memory, worst } = report
  const rows: [string, string][] = [
    ['faults', counts(report.faults)],
    ['rounds', String(report.rounds)],
    ['requests', amount(report.asked)],
    ['answered', amount(report.answered)],
    ['failed', counts(report.failed)],
    ['their process was killed', amount(report.cutOff)],
    ['lost', amount(report.lost)],
    ['doubled', amount(report.doubled)],
    ['latest end', `${amount(report.latest)} ms after its timeout`],
    [
      'broadcasts',
      `${amount(broadcasts.sent)} sent, ${amount(broadcasts.delivered)} delivered, ${broadcasts.doubled} doubled`,
    ],
    [
      'worst recovery',
      `all know each other after ${show(worst.known)}, goal ${GOAL}; have answered each other after ${show(worst.asked)}`,
    ],
    [
      'memory',
      `at most ${memory.most.toFixed(0)} MB (${memory.mostOf}); of ${memory.judged} processes that lived long enough the steepest grew by ${grown(memory.steepest)}, the oldest by ${grown(memory.longest)}`,
    ],
  ]
  return ['| what | |', '| --- | --- |', ...rows.map(([what, value]) => `| ${what} | ${value} |`)].join('\n')
}

function grown({ of, what, slope, over }: Growth): string {
  return of === '' ? 'nothing' : `${slope.toFixed(1)} MB a minute (${of}, ${what}, over ${over.toFixed(0)} s)`
}

function counts(all: Record<string, number>): string {
  const sorted = Object.entries(all).sort(([, a], [, b]) => b - a)
  const sum = sorted.reduce((total, [, count]) => total + count, 0)
  return `${amount(sum)}: ${sorted.map(([name, count]) => `${name} ${amount(count)}`).join(', ')}`
}

function amount(value: number): string {
  return Math.round(value).toLocaleString('en')
}
