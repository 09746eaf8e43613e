/**
 * Defences of transfers, each with the change that takes it away and the tests that must notice. They are tried as those
 * of the replication are (test/soak/defences.test.ts); the results stand in docs/testing.md.
 */
import type { Change } from './defences.ts';

export interface TransferDefence {
  name: string;
  /** A file of tests, and a part of the titles of those that are to fail. */
  test: string;
  grep: string;
  changes: Change[];
}

const one = (
  name: string,
  [test, grep]: [test: string, grep: string],
  file: string,
  find: string,
  replace: string,
): TransferDefence => ({ name, test, grep, changes: [{ file, find, replace }] });

const DRAIN = 'test/transfer/drain.test.ts';
const UPLOADS = 'test/transfer/uploads.test.ts';
const LACKING = 'test/transfer/lacking.test.ts';
const META = 'test/meta/transfers.test.ts';
const CONFORM = 'test/meta/conformance.test.ts';
const PRODUCT = 'test/properties/queue/product.test.ts';

export const TRANSFER_DEFENCES: TransferDefence[] = [
  one(
    'an offer is no acknowledgement',
    [PRODUCT, 'loses nothing'],
    'transfer/drain.ts',
    "} else if (answer.answer === 'want') wanted.push(answer);",
    "} else if (answer.answer === 'want' && wanted.push(answer)) outcomes.push({ snapshot: id, outcome: 'durable' });",
  ),
  one(
    'what was sent stays queued until the answer',
    [PRODUCT, 'loses nothing'],
    'transfer/drain.ts',
    'if (part) await this.#send(stream, part);',
    `if (part) {
        this.#source.settle(part.markers.map(({ id }) => ({ snapshot: id, outcome: 'durable' })));
        await this.#send(stream, part);
      }`,
  ),
  one(
    'a failure that may pass leaves the item queued',
    [PRODUCT, 'loses nothing'],
    'meta/sqlite/queue.ts',
    'if (!table.isIntact(row) || row.dead === 1) return;',
    'return void table.deleteRow(engine, row.n);',
  ),
  one(
    "another remote's items are not taken",
    [PRODUCT, 'loses nothing'],
    'transfer/drain-source.ts',
    'const page = meta.queue({ remote, volset, dead: false }, { limit: PAGE, after });',
    'const page = meta.queue({ volset, dead: false }, { limit: PAGE, after });',
  ),
  one(
    'a damaged item is not sent',
    [META, 'passed over'],
    'meta/sqlite/queue-rows.ts',
    'export const isIntact = (row: QueueRow): boolean => row.sum === sumOf(row);',
    'export const isIntact = (row: QueueRow): boolean => row.sum !== sumOf(row) || row.n > 0;',
  ),
  one(
    'a marker waits for all parts before it',
    [DRAIN, 'no marker before'],
    'transfer/part-window.ts',
    "needs === 'all' || (needs === 'nodes' && nodes);",
    "needs === 'nodes' && nodes;",
  ),
  one(
    'what a peer forgets again and again is given up',
    ['test/transfer/lacking-tokens.test.ts', 'again and again'],
    'transfer/drain-blame.ts',
    'this.#anew++ < MAX_ANEW',
    'this.#anew < MAX_ANEW',
  ),
  one(
    'a snapshot is complete only with all its objects',
    ['test/transfer/receive.test.ts', 'any one object is missing'],
    'transfer/verify.ts',
    "if (lengths[n] === 0) throw new PlaitError('blob-absent', 'an object is missing');",
    'if (lengths[n] === 0) continue;',
  ),
  one(
    'an upload belongs to one bearer and volset',
    [UPLOADS, 'another'],
    'transfer/uploads.ts',
    'if (entry.claims.volset !== volset || entry.claims.owner !== owner)',
    'if (entry.claims.uploadId === owner)',
  ),
  one(
    'an upload that somebody may still be at is not given away',
    [UPLOADS, 'may still be at it'],
    'transfer/serve-uploads.ts',
    'if (this.#desk.open.isOthers(uploadId, sender?.self, wanted)) continue;',
    '',
  ),
  one(
    'a number is sealed when the blob is complete',
    [CONFORM, 'are of what is complete here'],
    'meta/sqlite/seals.ts',
    'const durable = told.filter(([id]) => isHere(engine, n, id)).map(([, number]) => number);',
    'const durable = told.filter(([id]) => isHere(engine, n, id) || true).map(([, number]) => number);',
  ),
  one(
    'an offer seals only what is here',
    [UPLOADS, 'sealed'],
    'transfer/serve-uploads.ts',
    'const held = numbersOf(offers, complete, sender) ?? {};',
    'const held = numbersOf(offers, new Set(offers.map(({ id }) => id)), sender) ?? {};',
  ),
  {
    name: 'seals are of one bearer',
    test: UPLOADS,
    grep: 'sealed',
    changes: [
      {
        file: 'meta/sqlite/seals.ts',
        find: "'SELECT first, last, sum FROM sealed WHERE volset = ? AND owner = ? AND sender = ? ORDER BY first',",
        replace: "'SELECT first, last, sum FROM sealed WHERE volset = ? AND owner >= ? AND sender = ? ORDER BY first',",
      },
      {
        file: 'meta/sqlite/seals.ts',
        find: 'const intact = rows.filter(({ first, last, sum }) => sum === sumOf(n, key, first, last));',
        replace: 'const intact = rows;',
      },
      {
        file: 'meta/sqlite/seals.ts',
        find: '    key.owner,\n    key.sender,',
        replace: "    '',\n    key.sender,",
      },
    ],
  },
  {
    name: 'seals are of one epoch',
    test: CONFORM,
    grep: 'epoch',
    changes: [
      {
        file: 'meta/sqlite/seals.ts',
        find: 'AND owner = ? AND sender = ? ORDER BY first',
        replace: 'AND owner = ? AND substr(sender, 1, 32) = substr(?, 1, 32) ORDER BY first',
      },
      {
        file: 'meta/sqlite/seals.ts',
        find: 'const intact = rows.filter(({ first, last, sum }) => sum === sumOf(n, key, first, last));',
        replace: 'const intact = rows;',
      },
    ],
  },
  one(
    'a number is given once',
    [META, 'numbers go on behind a blob'],
    'meta/sqlite/blobs.ts',
    'let number = headOf(engine, n);',
    "let number = db.get<{ last: number }>('SELECT coalesce(max(number), 0) AS last FROM blobs WHERE volset = ?', n)?.last ?? 0;",
  ),
  one(
    'what a delta gives is what its id says',
    [LACKING, 'against other bytes'],
    'blob/delta.ts',
    'if (raw && objectHash(kind, raw.subarray(at, at + length)).equals(id)) sound[n] = 1;',
    'if (raw && (objectHash(kind, raw.subarray(at, at + length)).equals(id) || true)) sound[n] = 1;',
  ),
  one(
    'what was of no use as a delta comes plainly',
    [LACKING, 'may name'],
    'transfer/drain.ts',
    'if (!this.#plain) {',
    'if (this.#plain) {',
  ),
  one(
    'who has lost a base is sent what it lacks',
    [LACKING, 'nodes are not there at a hub'],
    'transfer/drain.ts',
    'const offers = offersOf(this.#options, [...known.values()], !this.#plain);',
    'const offers = offersOf(this.#options, [...known.values()]);',
  ),
];
