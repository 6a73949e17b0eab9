/** README's section on security: each sentence of it has specs that hold it, and both exist. */
import { describe, expect, it } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Advice, or a definition: there is nothing to hold. */
const ADVICE = 'advice'

const ACCESS = 'integration/access-spec'
const LISTS = 'core/access/bans-spec'
const TOLD = 'core/access/refusals-spec'
const HANDSHAKES = 'libp2p/guards/lines/handshakes-spec'
const OPENINGS = 'libp2p/guards/lines/openings-spec'
const HEARSAY = 'core/peers/hearsay-spec'

/** The beginning of each sentence → `file: title` of the specs that hold it. */
const HELD: Record<string, string[] | typeof ADVICE> = {
  '`spec/security-spec.ts` names': ['security-spec: names every sentence, and no other'],
  'Who may come in': ADVICE,
  'Any peer that reaches the port': [
    `${ACCESS}: lets nobody in but those who are named`,
    `${ACCESS}: of a range refuses before a handshake`,
    `${ACCESS}: is asked before anything counts`,
    `${ACCESS}: is one of those who have the key`,
    'core/access/authorizing-spec: is admitted at once where nobody is to be asked',
  ],
  'The default listens on every interface': ['node/node-spec: /ip4/0.0.0.0/tcp/0'],
  'Who breaks a protocol again': [
    `${LISTS}: again and again is banned for a minute`,
    `${LISTS}: for a moment is not banned, and for minutes it is`,
  ],
  '`node.audit$` tells': [
    'core/access/audit-spec: tells who came in',
    'core/access/audit-spec: tells what the network has refused',
    'core/access/audit-spec: has a rate, and says how many it has left out',
  ],
  'Who says what': ADVICE,
  'Requests and answers are encrypted': ['integration/kept-in-spec: requests and answers are encrypted'],
  'The `from` of a request': [
    'integration/requests-spec: is a subscriber of requests$, who knows the asker',
    'integration/requests-spec: fails when somebody else answers at the address',
  ],
  'Broadcasts can be read': ['integration/broadcasts-spec: reaches every subscriber'],
  'Each is signed': [
    'integration/broadcasts-spec: with its signer and its bearer',
    'integration/broadcasts/hostile-spec: unsigned and wrongly signed messages',
    'edge/broadcasts/broadcasts-spec: show who signed and who handed them over',
  ],
  'What others may use is bounded': [
    'core/peers/places-spec: go to who comes in',
    'core/peers/places-spec: are few for one peer',
    `${HANDSHAKES}: are bounded for a range`,
    `${OPENINGS}: allows two seconds of it at once`,
    'core/requests/budget-spec: too many: are refused as Overloaded',
    'core/requests/budget-spec: whole: are refused as Overloaded, with a time to come back',
    'core/requests/held-spec: do not stop those of others',
    'core/requests/turns-spec: of one peer wait in their order beyond what it may have at work',
    'libp2p/gossip/pace-spec: has two seconds of its rate at once',
    'libp2p/gossip/message-cache-spec: keeps so many bytes',
    'integration/libp2p/kad-hostile-spec: beyond the rate are reset',
    'integration/libp2p/identify-hostile-spec: is kept in part',
  ],
  'Whatever is full is shared by peers': [
    'core/limits/shares-spec: give one alone half',
    'core/limits/shares-spec: leave something for who comes next',
    'core/limits/shares-spec: keep a part for newcomers, of which each has little',
    'core/limits/shares-spec: give those that are trusted more',
  ],
  'An identity costs nothing': [
    'core/peers/places-spec: are few for one range of addresses',
    'core/requests/accounts-spec: of many identities in one range of addresses have the share of one peer',
    `${HANDSHAKES}: have a rate for each range, whatever others do`,
    `${OPENINGS}: is shared by those of one range`,
    'libp2p/gossip/pace-spec: have four times as much together',
    'libp2p/guards/admission-spec: is shared by those of one range',
  ],
  'What is refused has an answer': [
    'core/requests/budget-spec: with a time to come back',
    'integration/libp2p/lines-hostile-spec: resets streams whose protocol is not agreed upon',
    'integration/libp2p/lines-hostile-spec: hangs up when that goes on',
    'integration/broadcasts/hostile-spec: messages over the limit is counted',
  ],
  'What others say of others': [
    `${HEARSAY}: has a few addresses of each teller`,
    `${HEARSAY}: is where it may be, until it ends`,
    `${HEARSAY}: is trusted no more when it was wrong as often as right`,
    'integration/libp2p/kad-hostile-spec: does not say more of a peer than the peer itself',
  ],
  'Private, loopback and link-local': [
    'core/peers/scopes-spec: who is on this machine names all of its networks',
    'integration/libp2p/kad-hostile-spec: nowhere else than where its teller is',
  ],
  'What is told': ADVICE,
  '`explain(peer)` says': [
    `${TOLD}: is in explain and in the log, with its kind and how often`,
    `${TOLD}: has its reason in explain and in the log`,
    `${TOLD}: and cost it its connection, is the reason of that`,
  ],
  'The log has at most 100': [
    'edge/log-spec: is one of a hundred of its kind in a minute',
    'core/limits/log-lines-spec: are a hundred of a kind in a minute',
    'core/limits/log-lines-spec: that were not told are counted once',
  ],
  'Lines of the log': [
    'edge/log-spec: is on one line, and without what a terminal would take',
    'errors-spec: may be printed',
    `${TOLD}: has nothing in it that a terminal would take`,
    'wire/text-spec: has no such character, whatever it was',
  ],
  'All else is as it was sent': [`${TOLD}: expect(topics).toEqual(['a\\x1b[2J\\nb\\u202e'])`],
  'What stays here': ADVICE,
  'The text of an error': [
    'edge/answers/inbound-spec: the text stays in our log',
    'edge/answers/reasons-spec: says nothing to strangers',
    'integration/kept-in-spec: nor is a path or a stack in what a peer gets',
  ],
  'An error with `expose: true`': [
    'edge/answers/inbound-spec: carries the text of an error that is meant for strangers',
    'integration/streams-spec: reaches the asker with its code, its message and its time',
  ],
  'The secret is the identity': ['identity-spec: is the Ed25519 key whose seed is the secret'],
  'It and the network key': [
    'integration/kept-in-spec: the secret and the network key are in no log',
    'config/config-spec: never shows its secret in a message',
  ],
  'Do not put them on a command line': ADVICE,
  'Two nodes that live with one': [
    'core/peers/twins-spec: hear it from a peer',
    'core/peers/twins-spec: are noticed when both answer',
  ],
  'Recordings (': ['recording/file-spec: is for its owner alone'],
  'With `redact` payloads': [
    'recording/redaction/redact-spec: has the bytes of no event, of whatever type',
    'recording/redaction/redact-spec: has no payload of a broadcast',
  ],
  'A recording of somebody else': [
    'testing/replay-spec: is replayed, or is a RecordingError, whatever is in it',
    'recording/cbor-spec: throws at more than 4,000,000 values',
    'recording/format-spec: a record that says to be too long is not read',
    'recording/file-spec: must be a file',
  ],
}

/** Of the section, without its marks for lists, stress and links. */
function sentences(): string[] {
  const [, section = ''] = /\n## Security\n([^]*?)\n## /.exec(read('README.md')) ?? []
  const plain = section
    .replace(/\n- /g, '\n\n')
    .replace(/\*\*/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
  return plain.flatMap((paragraph) => paragraph.split(/(?<=[^.]\.) (?=[A-Z`])/))
}

describe('the section on security', () => {
  it('names every sentence, and no other', () => {
    const known = Object.keys(HELD)
    const all = sentences()
    expect(all.filter((sentence) => known.filter((begin) => sentence.startsWith(begin)).length !== 1)).toEqual([])
    expect(known.filter((begin) => !all.some((sentence) => sentence.startsWith(begin)))).toEqual([])
  })

  it.each(Object.entries(HELD).flatMap(([begin, specs]) => (specs === ADVICE ? [] : [[begin, specs] as const])))(
    'is held: %s …',
    (_begin, specs) => {
      const missing = specs.filter((one) => {
        const [, file = '', title = ''] = /^(\S+): ([^]*)$/.exec(one) ?? []
        const path = `spec/${file}.ts`
        return !existsSync(join(root, path)) || !read(path).includes(title)
      })
      expect(missing).toEqual([])
    },
  )
})
