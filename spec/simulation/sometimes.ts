/**
 * What no run of the suite makes the core say, and why. Everything else must be said in some run (`seeds-spec.ts`): a branch that
 * handles a fault and is never taken is a hole in the schedules.
 */
import { readFiles } from './copies.js'
import { sayingsIn } from './sayings.js'

/** Codes of errors of which the lane knows nothing: of calls that make no sense, of files and keys, and of a signal that fired. */
const ELSEWHERE = [
  'InvalidConfig',
  'InvalidSecretKey',
  'InvalidAddress',
  'InvalidPeerId',
  'ListenError',
  'HandlerAlreadySet',
  'InvalidResponse',
  'UnknownProtocol',
  'Aborted',
]

const NEVER = [
  // Interfaces do not change in the model, and a node has said where it listens before a run looks at it.
  'our addresses are now',
  // Of 700 seeds in none do three hosts see a node at one address that is not its own, or does a copy of one run on.
  'others reach us at',
  'two nodes live as',
  'another node with our secret',
  'listening on',
  'others are told',
  'and the node goes on with the others',
  // The network of a run breaks no rules, and nobody in it speaks anything else.
  'sent gossip that cannot be read',
  'which went on with what was refused',
  'these bytes are the announcement of a large message',
  'speaks no protocol of requests',
  'answers no requests of nodes',
  'does not speak',
  'broke the protocol',
  'answered without a value',
  'opened a second session',
  'was reset: ',
  // A message over version 1 comes whole, or its stream is reset or lost.
  'ended in its middle',
  // The table of the model answers always, and effects do not throw.
  'the lookup of our neighbourhood failed',
  'the effect … failed',
  // A run asks nothing more of a node that it has stopped, and the model of pub/sub drops what is of a foreign topic.
  'the node has been stopped, or never started',
  'dropped a broadcast of a topic that we are not in',
  // Of 700 seeds none has so many broadcasts behind a slow peer.
  'bytes of broadcasts wait to be sent already',
  // No handler works on such a request yet, so nobody hears why it ended.
  'answerer.ts: the request was cut off',
  'there is no room for it',
  // It goes elsewhere, three times, unless the other side hangs up before it says anything.
  'the request was not sent: ',
  // No boot node of a run hangs up before it says anything, three times in a row.
  'hangs up on us again and again',
  // Nobody has so many late subscribers.
  'too many histories are wanted',
  // All nodes of a run are in the topics of its names, which are not alike, and go by the same ids.
  'one of the two names may be misspelt',
  'it may have another pubsub.messageId',
  // A day is longer than a run.
  'is forgotten: nobody has reached it',
]

/** What must be said and is not, and what is said though it is listed above. `texts`: those of all runs. */
export function missing(texts: Iterable<string>): { unsaid: string[]; listed: string[]; saidAll: number } {
  const all = [...texts]
  const sayings = sayingsIn(readFiles('src/core'))
  const isListed = (name: string): boolean => NEVER.some((part) => name.includes(part))
  const unsaid = sayings.filter(({ pattern }) => !all.some((text) => pattern.test(text))).map(({ name }) => name)
  const codes = codesIn(readFiles('src')).map((code) => `code ${code}`)
  const absent = codes.filter((code) => !all.includes(code) && !ELSEWHERE.includes(code.slice(5)))
  return {
    unsaid: [...unsaid.filter((name) => !isListed(name)), ...absent],
    listed: unsaid.filter(isListed),
    saidAll: sayings.length - unsaid.length,
  }
}

/** The codes of public errors. */
function codesIn(files: [path: string, text: string][]): string[] {
  const [, text] = files.find(([path]) => path.endsWith('src/errors.ts'))!
  const union = text.slice(text.indexOf('export type ErrorCode'), text.indexOf('export interface P2pErrorOptions'))
  return [...union.matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, code]) => code!)
}
