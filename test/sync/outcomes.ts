/** What a session answered, in the short form in which tests compare it. */
import assert from 'node:assert/strict';
import type { Outcome } from '../../src/sync/engine.ts';
import type { SyncResult } from '../../src/sync/results.ts';
import type { Client } from './rig.ts';

/** Rows of branches as `NAME SIDE ACTION`. */
export const shape = ({ result }: Outcome<SyncResult>): string[] =>
  result.branches.map(({ name, side, action }) => `${name} ${side} ${action}`);

/** What each conflict says, without ids. */
export const told = ({ result }: Outcome<SyncResult>) =>
  result.conflicts.map(({ kind, field, initial, current, target }) => ({ kind, field, initial, current, target }));

/** A sync of each has nothing to do and is one request. */
export async function assertQuiet(...clients: Client[]): Promise<void> {
  for (const client of clients) {
    const { exits, result } = await client.run('sync');
    assert.deepEqual([exits, result.upToDate, result.requests], [[], true, 1]);
  }
}
