/** How the queue and what waits for a remote read to people: bounded, and with the command that changes it. */
import assert from 'node:assert/strict';
import { NO_PAINT } from '../../src/cli/paint.ts';
import { enqueuedLines, queueLines } from '../../src/cli/render/queue.ts';
import { statusLines } from '../../src/cli/render/tree.ts';
import { limitsOf } from '../../src/cli/selection-flags.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { QueueRow, RemoteQueue } from '../../src/sync/queue.ts';
import type { StatusResult } from '../../src/sync/results.ts';

const VOLSET = '1'.repeat(32) as VolsetId;
const row = (n: number, change: Partial<QueueRow> = {}): QueueRow => ({
  snapshot: n.toString(16).padStart(64, '0') as SnapshotId,
  volset: 'data',
  volsetId: VOLSET,
  priority: 'low',
  attempts: 0,
  notBefore: null,
  added: '2026-11-22T01:00:00.000Z',
  error: null,
  ...change,
});
const remote = (change: Partial<RemoteQueue>): RemoteQueue => ({
  name: 'origin',
  volset: 'data',
  head: 0,
  sealed: [],
  lastSync: null,
  entries: [],
  dead: [],
  more: 0,
  ...change,
});
const lines = (...remotes: RemoteQueue[]): string[] => [...queueLines({ remotes })];
const rows = (count: number): QueueRow[] => Array.from({ length: count }, (_, n) => row(n));

describe('cli: rendering of the queue', () => {
  it('says of each remote what waits, and of each of the first rows why', () => {
    assert.deepEqual(lines(), ['no remote is known here']);
    assert.deepEqual(lines(remote({})), ['origin: nothing waits']);
    const waiting = row(1, { priority: 'high', attempts: 2, error: { code: 'network', message: 'cut\u001b[2J off' } });
    const shown = lines(remote({ entries: [waiting] }));
    assert.equal(shown[0], 'origin: 1 snapshot waits to be pushed');
    assert.match(shown[2], /data +high +2 tries .*cut/);
    assert.ok(!shown.join('\n').includes('\u001b'));
  });

  it('shows twenty rows of a list, and how many there are', () => {
    const shown = lines(remote({ entries: rows(21), dead: rows(20), more: 5 }));
    assert.equal(shown.filter((line) => /^ {2}0{10}/.test(line)).length, 40);
    assert.ok(shown.includes('  and 1 more (all with --json)'));
    assert.equal(shown.at(-1), '  and 5 more');
    assert.ok(shown.some((line) => /20 snapshots were refused: `plait queue retry origin`/.test(line)));
  });

  const counts: [string, { queued: number; dead: number }, string | undefined][] = [
    ['nothing', { queued: 0, dead: 0 }, undefined],
    ['one', { queued: 1, dead: 0 }, '1 snapshot waits to be pushed to origin: see `plait queue list`'],
    ['both', { queued: 3, dead: 1 }, '3 snapshots wait to be pushed to origin; 1 was refused: see `plait queue list`'],
    ['refused ones', { queued: 0, dead: 2 }, '2 snapshots were refused by origin: see `plait queue list`'],
  ];
  for (const [what, count, line] of counts) {
    it(`status: ${what}`, () => {
      const none = { added: [], modified: [], deleted: [], typeChanged: [], problems: [] };
      const remotes = [{ name: 'origin', ...count, branches: [], lastSync: null }];
      const at = { volset: 'data', volsetId: VOLSET, branch: 'main', tip: null, base: null };
      const status: StatusResult = { ...at, clean: true, ...none, conflicts: 0, queue: count.queued, remotes };
      const found = [...statusLines(status, NO_PAINT)].filter((text) => /refused|waits?\b/.test(text));
      assert.deepEqual(found, line === undefined ? [] : [line]);
    });
  }

  it('push --enqueue says what is new and what waits', () => {
    const result = {
      volset: 'data',
      volsetId: VOLSET,
      remote: 'origin',
      dryRun: false,
      queued: 2,
      waiting: 3,
      dead: 1,
    };
    assert.deepEqual(enqueuedLines(result, false), [
      '2 snapshots queued for origin; 3 wait for the next push or sync; 1 was refused: see `plait queue list`',
    ]);
    const none = { ...result, dryRun: true, queued: 0, waiting: 0, dead: 0 };
    assert.deepEqual(enqueuedLines(none, true), ['data: nothing new would be queued for origin']);
  });

  it('no limit, and a limit of nothing, are none', () => {
    assert.equal(limitsOf({}), undefined);
    assert.equal(limitsOf({ 'limit-up': 0, 'limit-down': 0 }), undefined);
    assert.deepEqual(limitsOf({ 'limit-up': 5, 'limit-down': 0 }), { up: 5 });
    assert.deepEqual(limitsOf({ 'limit-up': 5, 'limit-down': 7 }), { up: 5, down: 7 });
  });
});
