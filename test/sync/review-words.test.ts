import assert from 'node:assert/strict';
import { syncLines } from '../../src/cli/render/sync.ts';
import { hubOfTwo } from './rig.ts';

/** What a dry run prints must hold after it: it has recorded no conflict that could be settled. */
describe('sync --dry-run of a conflict', () => {
  it('says what would stand, and names no command that would not find it', async () => {
    await using pair = await hubOfTwo();
    const { a, b } = pair;
    await a.run('push');
    await b.run('pull');
    a.set('volset:description', 'a');
    await a.run('push');
    b.set('volset:description', 'b');
    const text = async (dryRun: boolean) => syncLines('sync', (await b.run('sync', {}, { dryRun })).result).join('\n');
    const planned = await text(true);
    assert.match(planned, /^C description of volume set data: "b" here, "a" there\n {2}"a" stands$/);
    const done = await text(false);
    assert.ok(done.startsWith(`${planned}; settle it with \`plait conflicts resolve `), done);
  });
});
