/** What a session, a clone and the list of remotes tell people beyond the plain case: what is next. */
import assert from 'node:assert/strict';
import { cloneLines, remoteLines } from '../../src/cli/render/snapshot.ts';
import { syncLines } from '../../src/cli/render/sync.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { RemoteRow } from '../../src/sync/remotes.ts';
import type { ProblemRow, SyncResult } from '../../src/sync/results.ts';

const TIP = 'ab'.repeat(32) as SnapshotId;
const result: SyncResult = {
  volset: 'data',
  volsetId: '1'.repeat(32) as VolsetId,
  remote: 'origin',
  upToDate: false,
  dryRun: false,
  pushed: { snapshots: 0, chunks: 0, bytes: 0 },
  pulled: { snapshots: 0, chunks: 0, bytes: 0 },
  branches: [],
  conflicts: [],
  diverged: [],
  problems: [],
  requests: 1,
  traffic: { sent: 0, received: 0 },
  durationMs: 5,
};
const remote: RemoteRow = {
  name: 'origin',
  url: 'http://hub:7420',
  volset: null,
  identity: null,
  enabled: true,
  selection: null,
  hasToken: false,
};

describe('cli: what a session tells people', () => {
  const problem = (what: string): ProblemRow => ({ what, snapshot: TIP, message: 'because' });
  const queued = '  what was not sent stays in the queue: see `plait queue list origin`';
  const cases: [verb: 'push' | 'sync' | 'pull', what: string, told: boolean][] = [
    ['push', 'declined', true],
    ['sync', 'not-sent', true],
    ['push', 'blob-absent', false],
    ['pull', 'declined', false],
  ];
  for (const [verb, what, told] of cases) {
    it(`${verb} with a problem ${what}: ${told ? 'names the queue' : 'says no more'}`, () => {
      const lines = syncLines(verb, { ...result, problems: [problem(what)] });
      assert.deepEqual(lines, ['problem: because', ...(told ? [queued] : [])]);
    });
  }

  it('remotes are listed with the flags of their selection', () => {
    const selection = { branches: ['main', 'side'], since: '2026-01-31', tips: true };
    const lines = [...remoteLines([remote, { ...remote, name: 'backup', selection }])];
    assert.match(lines[1], /no +everything$/);
    assert.match(lines[2], /no +--branch main --branch side --since 2026-01-31 --tips$/);
  });

  it('a clone without a branch says how to look at what came', () => {
    const clone = {
      ...result,
      branch: 'main',
      snapshot: null,
      written: 0,
      dir: '/c',
      continued: false,
      updated: false,
    };
    assert.match(cloneLines(clone)[0], /: empty$/);
    const some = { ...clone, pulled: { snapshots: 1, chunks: 3, bytes: 9 } };
    assert.match(cloneLines(some)[0], /: no branch came along, `plait checkout` one of its snapshots$/);
  });
});
