/** What came of the targets, as text. */
import type { Report } from './engine.js'

const COLUMNS = ['reader', 'inputs', 'µs each', 'slowest, ms', 'outcomes', 'most frequent', 'faults'] as const

function line(cells: readonly string[]): string {
  const [name = '', ...others] = cells
  return `${name.padEnd(28)}${others.map((cell) => cell.padStart(15)).join('')}`
}

export function head(): string {
  return line(COLUMNS)
}

export function row({ name, inputs, ms, slowest, outcomes, most, faults }: Report): string {
  const part = inputs === 0 ? 0 : (100 * most) / inputs
  const each = inputs === 0 ? 0 : (1_000 * ms) / inputs
  const numbers = [String(inputs), each.toFixed(1), slowest.toFixed(1), String(outcomes), `${part.toFixed(0)} %`]
  return line([name, ...numbers, String(faults.length)])
}

/** The longest input that is shown whole, bytes. */
const SHOWN = 2_000

/** What is wrong, and how it is seen again. */
export function faultsOf({ name, faults }: Report): string[] {
  return faults.map(({ kind, message, input }) => {
    if (input === undefined) return `${name}: ${kind}: ${message}`
    const hex = Buffer.from(input.subarray(0, SHOWN)).toString('hex')
    const rest = input.length > SHOWN ? `… (${input.length} bytes)` : ''
    return `${name}: ${kind}: ${message}\n  npm run fuzz -- --only '${name}' --input ${hex || "''"}${rest}`
  })
}
