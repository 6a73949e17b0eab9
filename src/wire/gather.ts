/**
 * Puts a payload together that arrives in pieces, and joins it once. It never allocates what was only declared, and a peer
 * that sends single bytes does not cost a view, and the network buffer behind it, for each.
 */

/** Below this size a payload is copied out of its chunk: a small view would keep the whole network buffer alive. */
export const COPY_BELOW = 4_096

/** Pieces below this size are gathered into blocks of at most `BLOCK_SIZE`. */
const GATHER_BELOW = 2_048
const BLOCK_SIZE = 16_384

/** The pieces so far. Plain data. */
export interface Gathered {
  chunks: Uint8Array[]
  /** Where small pieces are gathered, how much of it is used, and where what is not in `chunks` yet begins in it. */
  block: Uint8Array | undefined
  blockUsed: number
  runStart: number
  /** Bytes so far. */
  received: number
}

export function createGathered(): Gathered {
  return { chunks: [], block: undefined, blockUsed: 0, runStart: 0, received: 0 }
}

/** Keeps a piece of a payload of `total` bytes. It must fit. */
export function gather(gathered: Gathered, piece: Uint8Array, total: number): void {
  const missing = total - gathered.received
  gathered.received += piece.length
  if (piece.length >= GATHER_BELOW || piece.length === missing) {
    closeRun(gathered)
    gathered.chunks.push(piece)
    return
  }
  if (gathered.block === undefined || gathered.blockUsed + piece.length > gathered.block.length) {
    closeRun(gathered)
    gathered.block = new Uint8Array(Math.min(BLOCK_SIZE, missing))
    gathered.blockUsed = 0
    gathered.runStart = 0
  }
  gathered.block.set(piece, gathered.blockUsed)
  gathered.blockUsed += piece.length
}

/** Ends the run of small pieces. The rest of its block is for the next one: a large piece now and then costs no block. */
function closeRun(gathered: Gathered): void {
  const { block, blockUsed, runStart } = gathered
  if (block === undefined || blockUsed === runStart) return
  gathered.chunks.push(block.subarray(runStart, blockUsed))
  gathered.runStart = blockUsed
}

/** The payload, joined. The caller owns it. */
export function takeGathered(gathered: Gathered): Uint8Array {
  closeRun(gathered)
  const { chunks, received } = gathered
  gathered.chunks = []
  gathered.block = undefined
  const only = chunks[0]
  if (chunks.length === 1 && only !== undefined && received >= COPY_BELOW) return only
  const payload = new Uint8Array(received)
  let offset = 0
  for (const chunk of chunks) {
    payload.set(chunk, offset)
    offset += chunk.length
  }
  return payload
}

/** A payload that came whole: a copy if it is small, a view if it is not. */
export function own(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return to - from < COPY_BELOW ? bytes.slice(from, to) : bytes.subarray(from, to)
}
