/** Rows of the hostile suite as a table of Markdown. */
import type { Attack } from './attacks/attack.js'
import { broken, DISTURBED, GOALS, isFelt, isHeld, readLater, sum, type Measured } from './goals.js'
import { isKnown } from './marks.js'

const HEAD = ['attack', 'p50, ms', 'p99, ms', 'answered', 'strangers', 'memory, MB', 'stall, ms', 'attacker', 'not met']

export function head(): string {
  return [line(HEAD), line(HEAD.map(() => '---'))].join('\n')
}

/** `✗`: broken, and nothing says that it is known. */
export function row(attack: Attack, measured: Measured): string {
  const { quiet, attacked, afterwards, strangers, memory, back, stall, died } = measured
  const missed = broken(measured, GOALS, attack)
  const cells = [
    attack.name,
    `${ms(quiet.p50)} → ${ms(attacked.p50)}`,
    `${ms(quiet.p99)}${quiet.p99 > DISTURBED ? ' (disturbed)' : ''} → ${ms(attacked.p99)}`,
    answered(attacked) + (afterwards.answered < afterwards.sent ? `, then ${answered(afterwards)}` : ''),
    `${strangers.joined} of ${strangers.tried}`,
    `${mb(memory.before)} → ${mb(memory.peak)} → ${mb(memory.after)}${back !== undefined && back > 5 ? ` in ${back.toFixed(0)} s` : ''}`,
    `${ms(stall.quiet)} → ${ms(stall.attacked)}`,
    felt(attack, measured),
    died ?? missed.map((goal) => (isKnown(attack.name, goal) ? goal : `✗ ${goal}`)).join(' '),
  ]
  return line(cells)
}

function felt({ own, honest, harmless }: Attack, { attacker, told }: Measured): string {
  const { done, refused, gone, lines, waited, first, figure } = attacker
  const parts: string[] = []
  if (figure !== undefined && own !== undefined) parts.push(`${own.what}: ${Math.round(figure * 10) / 10}`)
  const ends = sum(gone)
  if (ends > 0) parts.push(`${ends} of ${Math.max(lines, ends)} gone: ${most(gone)}`)
  if (sum(refused) > 0) parts.push(`${sum(refused)} of ${done} refused: ${most(refused)}`)
  if ((ends > 0 || sum(refused) > 0) && first !== undefined) parts.push(`first after ${(first / 1_000).toFixed(1)} s`)
  if (waited >= 0.1) parts.push(`waited ${(100 * waited).toFixed(0)} %`)
  if (readLater(told) > 0) parts.push(`read later ${readLater(told)} times`)
  else if (parts.length === 0 && sum(told.refused) > 0)
    parts.push(`${sum(told.refused)} of ${done} dropped: ${most(told.refused)}`)
  if (told.waiting > 0) parts.push(`${told.waiting} wait`)
  if (harmless !== undefined && !isFelt(attacker) && !isHeld(told, attacker)) parts.push(`${done}: ${harmless}`)
  else if (parts.length === 0) parts.push(honest === true ? 'none' : `unhindered: ${done}`)
  return parts.join('; ')
}

/** The most frequent reasons. */
function most(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a)
  return sorted.slice(0, 2).map(([why]) => why.replaceAll('|', '/')).join(', ') // prettier-ignore
}

function answered({ answered: amount, sent }: Measured['quiet']): string {
  return amount === sent ? 'all' : `${amount} of ${sent}`
}

function ms(time: number): string {
  return Number.isFinite(time) ? time.toFixed(time < 10 ? 1 : 0) : '–'
}

function mb(amount: number): string {
  return Number.isFinite(amount) ? amount.toFixed(0) : '–'
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
