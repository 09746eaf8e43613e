import assert from 'node:assert/strict';
import { grown, most } from '../hub/hub-memory.ts';
import { crowd } from '../hub/many-load.ts';

const CLIENTS = Number(process.env['PLAIT_CLIENTS'] ?? 200);
const ROUNDS = Number(process.env['PLAIT_ROUNDS'] ?? 10);

describe('soak: a crowd at one hub', () => {
  it(`${CLIENTS} clients push and pull ${ROUNDS} times; the hub stays as large as it is, and all is whole`, async () => {
    const report = await crowd({ clients: CLIENTS, sharing: 4, cutEvery: 8, rounds: ROUNDS, processes: 4 });
    const { seconds, cuts, refused, memory, left } = report;
    const figures = memory.map(({ resident, heap, external }) => `${resident}/${heap}/${external}`).join(' ');
    const said = `${Math.round(seconds)} s, ${cuts} cuts, ${refused} refusals, hub ${figures} MiB`;
    process.stdout.write(`      ${said}\n`);
    assert.ok(cuts >= CLIENTS / 8, said);
    // What is held after a full collection; 8 KiB a turn would be 8 MiB on the heaps, for 1000 turns between the two.
    assert.ok(grown(memory, 'heap') < 8, `${grown(memory, 'heap')} MiB more on the heaps: ${said}`);
    // Caches of decoded blocks and nodes may still fill, up to 48 MiB; 64 KiB a turn would be 60 more.
    assert.ok(grown(memory, 'external') < 48, `${grown(memory, 'external')} MiB more in buffers: ${said}`);
    assert.ok(most(memory, 'external') < 160, said);
    // What the collector and malloc keep for later varies by a hundred MiB.
    assert.ok(most(memory, 'resident') < 768, said);
    assert.deepEqual([left.uploads, left.downloads], [0, 0]);
    // Of those that were cut some wait to be taken up.
    assert.ok(left.open <= cuts, `${left.open} uploads open after ${cuts} cuts`);
  });
});
