/** Rounds of gc in two stores while the same two are pushed to, pulled from, cloned and added to. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { assertSame, type Document, type Hub, type Lab } from './lab.ts';
import { noise } from './trees.ts';

export interface GcFigures {
  dropped: number;
  freed: number;
  /** Bytes of the hub at the end, and of a fresh store with the same snapshots. */
  left: number;
  fresh: number;
}

const FILES = 12;

export async function gcBeside(lab: Lab, rounds: number): Promise<GcFigures> {
  const hub = await lab.hub();
  await lab.volume('work', hub);
  change(lab, 0);
  await lab.in('work', ['snapshot', '--push', 'origin']);
  await lab.run(['clone', `${hub.url}/data`, 'other']);
  const figures: GcFigures = { dropped: 0, freed: 0, left: 0, fresh: 0 };
  for (let n = 1; n <= rounds; n++) await round(lab, hub, n, figures);
  await lab.in('work', ['push']);
  await lab.in('other', ['pull']);
  assertSame(lab.path('work'), lab.path('other'));
  for (const store of [hub.store, lab.path('work/.plait'), lab.path('other/.plait')]) await lab.verify(store);
  const again = await lab.in('work', ['push']);
  assert.deepEqual([again.upToDate, again.pushed, again.requests], [true, { snapshots: 0, chunks: 0, bytes: 0 }, 1]);
  await compareWithFresh(lab, hub, figures);
  return figures;
}

async function round(lab: Lab, hub: Hub, n: number, figures: GcFigures): Promise<void> {
  change(lab, n);
  const copy = lab.path(`clone-${n}`);
  const [gcHere, gcThere, , , gcOther] = await Promise.all([
    // What is not there yet cannot be dropped: exit 9. Another gc may be at it: 11.
    lab.in('work', ['gc', '--keep-last', '2'], [0, 9]),
    lab.run(['--store', hub.store, 'gc', ...(n % 2 === 0 ? ['--keep-last', '3', '--force'] : [])]),
    lab.in('work', ['snapshot']).then(() => lab.in('work', ['push'])),
    lab.in('other', ['pull']),
    // What the hub was made to drop is held by nobody else any more.
    lab.in('other', ['gc', '--keep-last', '2'], [0, 9]),
    lab.run(['clone', `${hub.url}/data`, copy]),
  ]);
  count(figures, gcHere);
  count(figures, gcThere);
  count(figures, gcOther);
  if (n % 5 === 0) await lab.verify(lab.path(`clone-${n}/.plait`));
  rmSync(copy, { recursive: true });
}

function count(figures: GcFigures, { dropped, freedBytes }: Document): void {
  figures.dropped += dropped;
  figures.freed += freedBytes;
}

/** A third of the files is other data in each round; what they were is garbage once its snapshots are gone. */
function change(lab: Lab, n: number): void {
  for (let i = n % 3; i < FILES; i += n === 0 ? 1 : 3)
    writeFileSync(lab.path('work', `file-${i}`), noise(30_000 + ((n * 7 + i * 13) % 50) * 3000, n * FILES + i + 1));
}

async function compareWithFresh(lab: Lab, hub: Hub, figures: GcFigures): Promise<void> {
  const collected = await lab.run(['--store', hub.store, 'gc']);
  const fresh = await lab.hub('fresh');
  await lab.run(['--store', hub.store, 'remote', 'add', 'fresh', `${fresh.url}/data`]);
  await lab.run(['--store', hub.store, 'push', 'fresh'], [0, 3]);
  const measured = await lab.run(['--store', fresh.store, 'gc', '--dry-run']);
  assert.equal(measured.kept, collected.kept);
  figures.left = collected.bytesAfter;
  figures.fresh = measured.bytesBefore;
}
