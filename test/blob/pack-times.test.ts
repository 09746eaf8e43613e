/** When packs were written: as their files say, asked once. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packPath } from '../../src/blob/pack-scan.ts';
import { type IndexedPack, PackTimes } from '../../src/blob/pack-times.ts';
import type { VolsetId } from '../../src/core/ids.ts';

const infoOf = (volset: string, pack: string): IndexedPack => ({
  ...{ volset: volset.repeat(16) as VolsetId, pack: pack.repeat(64), bytes: 1, objects: 1, verified: null },
});

describe('times of packs', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-times-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const write = ({ volset, pack }: IndexedPack, at: number): void => {
    const path = packPath(dir, volset, pack);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    utimesSync(path, at / 1000, at / 1000);
  };
  const [a, b, other] = [infoOf('a1', 'a'), infoOf('a1', 'b'), infoOf('b2', 'c')];
  const timesOf = (times: PackTimes, packs: IndexedPack[]) => times.withTimes(packs).map(({ written }) => written);

  it('are those of their files, and 0 where there is none', () => {
    write(a, 1_000_000);
    write(other, 3_000_000);
    const times = new PackTimes(dir);
    assert.deepEqual(times.withTimes([a, b, other]), [
      { ...a, written: 1_000_000 },
      { ...b, written: 0 },
      { ...other, written: 3_000_000 },
    ]);
    write(b, 2_000_000);
    assert.deepEqual(timesOf(times, [a, b]), [1_000_000, 2_000_000], 'it is there now');
  });

  it('are asked once, and forgotten with the pack', () => {
    write(a, 1_000_000);
    write(b, 2_000_000);
    write(other, 3_000_000);
    const times = new PackTimes(dir);
    times.withTimes([a, b, other]);
    for (const info of [a, b, other]) rmSync(packPath(dir, info.volset, info.pack));
    assert.deepEqual(timesOf(times, [a, b]), [1_000_000, 2_000_000]);
    assert.deepEqual(timesOf(times, [b]), [2_000_000]);
    assert.deepEqual(timesOf(times, [a, b]), [0, 2_000_000], 'it was not there in between');
    assert.deepEqual(timesOf(times, [other]), [3_000_000]);
  });
});
