/** The numbers of the session protocol's format; docs/session.md is the specification. */

export const FrameType = {
  HELLO: 0,
  REQUEST: 1,
  DATA: 2,
  REPLY: 3,
  END: 4,
  FAIL: 5,
  CANCEL: 6,
  CREDIT: 7,
  /** It has the flag IGNORABLE: a side that does not know the type skips it. */
  GOODBYE: 8,
} as const
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** REQUEST, DATA, REPLY: the value goes on in later frames. */
export const MORE = 0x10
/** REQUEST: one value is wanted. */
export const ONE = 0x20
/** REPLY: no value follows this one. */
export const LAST = 0x20
/** REQUEST: how to drop values when the asker takes them too slowly. */
export const LOSSY = 0x40
/** REQUEST: it is for the node itself and not for the application. Only if both sides have named the feature. */
export const SERVICE = 0x80
/** Types from 8 on: a node that does not know the type skips the frame. */
export const IGNORABLE = 0x80

/** The most bytes of payload that one frame carries. */
export const MAX_CHUNK = 16_384
/** The most bytes that follow a frame's length. */
export const MAX_FRAME = 17_408
/** `head` and `id` take at least a byte each. */
export const MIN_FRAME = 2
/** The length of a frame takes three bytes at most. */
export const MAX_LENGTH_BYTES = 3
/** The most credit that there may be. */
export const MAX_CREDIT = 2 ** 32

/** Features of HELLO. */
/** STOPPING: it knows that word of a GOODBYE, too. */
export const Feature = { SERVICE: 1, GOODBYE: 2, STOPPING: 4 } as const
/** Those that we have: all. */
export const FEATURES = Object.values(Feature).reduce<number>((all, feature) => all | feature, 0)

/**
 * The word of a GOODBYE. ASK: may I close the connection? (I ask nothing more over it.) YES: I ask nothing more over it either.
 * NO: I need it. STAY: I have changed my mind, whatever you have answered. STOPPING: my node stops, and will close the connection.
 */
export const Farewell = { ASK: 0, YES: 1, NO: 2, STAY: 3, STOPPING: 4 } as const
export type Farewell = (typeof Farewell)[keyof typeof Farewell]

/** The numbers of a HELLO. Those of `WITHOUT_HELLO` hold until it has come. */
export interface Hello {
  features: number
  /** Requests that may be open at once. */
  maxOpen: number
  /** Bytes of a request that may be sent before any credit for it. */
  requestWindow: number
  /** The largest payload of a request, bytes. */
  maxRequest: number
  /** A number by chance that each start of a node has; 0: not said. */
  incarnation: number
  /** Bytes of a request that should be sent before any credit for it where the line is not known; 0: it does not say. */
  firstFlight: number
}

/** Number of HELLO → its key. */
export const HELLO_KEYS: Record<keyof Hello, number> = {
  features: 0,
  maxOpen: 1,
  requestWindow: 2,
  maxRequest: 3,
  incarnation: 4,
  firstFlight: 5,
}

export const WITHOUT_HELLO: Hello = {
  features: 0,
  maxOpen: 256,
  requestWindow: 65_536,
  maxRequest: 1_048_576,
  incarnation: 0,
  firstFlight: 0,
}

/** Bytes of one value that are sent over a line of which nothing is known. Even one of 25 kB/s is free again within a second. */
export const FIRST_FLIGHT = 16_384

/** FAIL: the answerer ends in the middle of its work. */
export const STOPPED = 'Stopped'

/** The longest code and message of FAIL, bytes. */
export const MAX_CODE = 64
export const MAX_MESSAGE = 4_096
