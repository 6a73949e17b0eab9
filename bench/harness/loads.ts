/** What is asked: payloads of some size, so many at once. */

export interface Load {
  /** Bytes of the payload, each way. */
  size: number
  /** Requests in flight: whenever one is answered, the next one is sent. */
  inFlight: number
}

export const KiB = 1024
export const MiB = 1024 * KiB

/** What the goals speak of. */
export const SHORT_LOADS: readonly Load[] = [
  { size: 32, inFlight: 1 },
  { size: 32, inFlight: 64 },
  { size: KiB, inFlight: 64 },
  { size: 64 * KiB, inFlight: 64 },
  { size: MiB, inFlight: 1 },
  { size: MiB, inFlight: 4 },
]

/** All of them; 1 MiB × 256 would be 256 MiB on their way, in each direction and in each of four places. */
export const FULL_LOADS: readonly Load[] = [
  ...[32, KiB, 64 * KiB].flatMap((size) => [1, 16, 64, 256].map((inFlight) => ({ size, inFlight }))),
  ...[1, 4, 16, 64].map((inFlight) => ({ size: MiB, inFlight })),
]

/** `32B`, or with a space as `gap` `32 B`. */
export function sizeName(size: number, gap = ''): string {
  if (size >= MiB) return `${size / MiB}${gap}MiB`
  return size >= KiB ? `${size / KiB}${gap}KiB` : `${size}${gap}B`
}

/** `32B×64` */
export function loadName({ size, inFlight }: Load): string {
  return `${sizeName(size)}×${inFlight}`
}
