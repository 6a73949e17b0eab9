import { readFileSync } from 'node:fs'

/** Rows [length, hash] of a table in fixtures/siphash.json: the hash of the bytes 0, 1, 2, … of that length. */
export function readVectors(table: 'sip24' | 'sip13' | 'messageId'): [number, string][] {
  const fixture = readFileSync(new URL('fixtures/siphash.json', import.meta.url), 'utf8')
  const tables = JSON.parse(fixture) as Record<typeof table, string[]>
  return tables[table].map((hash, length) => [length, hash])
}
