import assert from 'node:assert/strict';
import { crowd, grown } from '../hub/many-load.ts';

const CLIENTS = Number(process.env['PLAIT_CLIENTS'] ?? 200);
const ROUNDS = Number(process.env['PLAIT_ROUNDS'] ?? 10);

describe('soak: a crowd at one hub', () => {
  it(`${CLIENTS} clients push and pull ${ROUNDS} times; the hub stays as large as it is, and all is whole`, async () => {
    const report = await crowd({ clients: CLIENTS, sharing: 4, cutEvery: 8, rounds: ROUNDS, processes: 4 });
    const { seconds, cuts, refused, memory } = report;
    const said = `${Math.round(seconds)} s, ${cuts} cuts, ${refused} refusals, hub ${memory.join(' ')} MiB`;
    process.stdout.write(`      ${said}\n`);
    assert.ok(cuts >= CLIENTS / 8, said);
    // Caches fill, and what the collector leaves varies by some tens of MiB; a leak of 64 KiB a turn would be 60.
    assert.ok(grown(report) < 48, `${grown(report)} MiB more at the end: ${said}`);
    assert.ok(Math.max(...memory) < 768, said);
  });
});
