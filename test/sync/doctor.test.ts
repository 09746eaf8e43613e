/** What `doctor` finds, each thing by itself; and sixty days of a cron job whose hub is away and which is killed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../src/core/errors.ts';
import type { BranchId } from '../../src/core/ids.ts';
import type { DoctorOptions } from '../../src/sync/doctor/checks.ts';
import { doctor } from '../../src/sync/doctor/doctor.ts';
import { hold } from '../../src/sync/hold.ts';
import { changeRemote, renameRemote } from '../../src/sync/remotes.ts';
import { snapshotAndPush } from '../../src/sync/snapshot-push.ts';
import { noteDamage } from '../../src/sync/verify/note-damage.ts';
import { verify } from '../../src/sync/verify.ts';
import { listVolumes, openVolume } from '../../src/volume/volume.ts';
import { FIXED_SEED, Random, replayedSeed } from '../support/seed.ts';
import { type Client, Rig, type RunningHub, VOLSET } from './rig.ts';

const HOUR = 3_600_000;
const MAX_AGE = 26 * HOUR;

describe('sync: doctor', function () {
  this.timeout(60_000);
  let rig: Rig;
  let hub: RunningHub;
  let client: Client;
  let dir: string;
  /** Of the client's clock. */
  let skew: number;

  beforeEach(async () => {
    rig = new Rig();
    hub = await rig.hub();
    client = (await rig.client('a')).start().origin(hub);
    dir = client.directory();
    skew = 0;
    const { world } = client.engine;
    client.engine = { ...client.engine, world: { ...world, now: () => Date.now() + skew } };
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  async function look(options: Partial<DoctorOptions> = {}) {
    const { result, exits } = await doctor(client.engine, {
      maxAgeMs: MAX_AGE,
      packs: async () => client.engine.blob.packs(),
      ...options,
    });
    assert.deepEqual(exits, result.ok ? [] : [18]);
    assert.equal(
      result.ok,
      result.checks.every(({ ok }) => ok),
    );
    for (const { ok, hint, detail } of result.checks) assert.ok(detail !== '' && (ok || hint !== null));
    return result;
  }
  const wrongOf = async (options?: Partial<DoctorOptions>): Promise<string[]> =>
    (await look(options)).checks.filter(({ ok }) => !ok).map(({ name }) => name);

  async function job(text: string) {
    writeFileSync(join(dir, 'file'), text);
    return snapshotAndPush(client.engine, { skipUnchanged: true, maxDelete: 1, pushTo: 'origin' });
  }

  it('before the first run a configured remote has got nothing', async () => {
    assert.deepEqual(await wrongOf(), ['snapshot data', 'push origin']);
    await job('one');
    assert.deepEqual(await wrongOf(), []);
  });

  it('a snapshot that does not arrive leaves the push old and the queue waiting', async () => {
    await job('one');
    await hub.stop();
    skew = 20 * HOUR;
    await assert.rejects(job('two'), (error) => error instanceof PlaitError && error.code === 'network');
    assert.deepEqual(await wrongOf(), []);
    skew = 27 * HOUR;
    assert.deepEqual(await wrongOf(), ['push origin']);
    skew = 47 * HOUR;
    assert.deepEqual(await wrongOf(), ['snapshot data', 'push origin', 'queue']);
    assert.deepEqual(await wrongOf({ maxAgeMs: 48 * HOUR }), []);
  });

  it('a remote that was switched off, renamed or replaced', async () => {
    await job('one');
    renameRemote(client.engine, 'origin', 'main');
    assert.deepEqual(await wrongOf(), []);
    skew = 30 * HOUR;
    await snapshotAndPush(client.engine, { skipUnchanged: true, maxDelete: 1 });
    assert.deepEqual(await wrongOf(), ['push main']);
    changeRemote(client.engine, 'main', { enabled: false });
    assert.deepEqual(await wrongOf(), ['remotes'], 'nothing reaches anything');
    client.follow('spare', hub);
    assert.deepEqual(await wrongOf(), ['push spare'], 'one that is switched off beside others is meant');
    client.meta.removeRemote('spare');
    changeRemote(client.engine, 'main', { enabled: true });
    const other = await rig.hub('other');
    const { identity: _, ...known } = client.remoteNamed('main');
    client.meta.putRemote({ ...known, url: other.url, identity: `${'ab'.repeat(16)}.1` as never });
    skew = 0;
    assert.deepEqual(await wrongOf(), ['push main', 'clock']);
  });

  it('what only takes is judged by its pulls', async () => {
    await job('one');
    const reader = (await rig.client('b')).origin(hub);
    reader.directory();
    client = reader;
    assert.deepEqual(await wrongOf(), [`snapshot ${VOLSET.slice(0, 12)}`, 'push origin']);
    await reader.run('pull');
    assert.deepEqual(await wrongOf(), []);
  });

  it('what a verify found, until one has read all data', async () => {
    await job('one');
    noteDamage(client.engine, { found: 1, sure: false });
    assert.deepEqual(await wrongOf(), ['damage']);
    await verify(client.engine, { readData: false });
    assert.deepEqual(await wrongOf(), ['damage'], 'data was not read');
    await verify(client.engine, { readData: true });
    assert.deepEqual(await wrongOf(), []);
  });

  it('what was refused, damage, a clock that was set back, no room, a scrub that is due', async () => {
    await job('one');
    const tip = client.tip() as never;
    client.meta.enqueue(VOLSET, 'origin', [{ snapshot: tip, priority: 0 }], Date.now());
    const error = { code: 'integrity' as const, message: 'refused' };
    client.meta.settle(VOLSET, 'origin', [{ snapshot: tip, outcome: 'rejected', error }]);
    assert.deepEqual(await wrongOf(), ['queue']);
    client.meta.unqueue({ remote: 'origin' });
    client.meta.setDamaged(VOLSET, [tip], true);
    assert.deepEqual(await wrongOf(), ['damage']);
    client.meta.setDamaged(VOLSET, [tip], false);
    assert.deepEqual(await wrongOf({ minFree: Number.MAX_SAFE_INTEGER }), ['disk']);
    assert.deepEqual(await wrongOf({ scrubAgeMs: HOUR }), ['scrub']);
    for await (const _ of client.engine.blob.verifyPacks({ readData: true }));
    skew = 2 * HOUR;
    assert.deepEqual(await wrongOf({ scrubAgeMs: 3 * HOUR }), []);
    assert.deepEqual(await wrongOf({ scrubAgeMs: HOUR }), ['scrub']);
    skew = -HOUR;
    assert.deepEqual(await wrongOf(), ['clock']);
  });

  it('a branch that has parted, until both lines are joined', async () => {
    await job('one');
    const other = (await rig.client('b')).origin(hub);
    await other.run('pull');
    await other.save({ f: 'theirs' });
    await other.run('push');
    writeFileSync(join(dir, 'file'), 'ours');
    await snapshotAndPush(client.engine, { skipUnchanged: true, maxDelete: 1 });
    assert.deepEqual(await wrongOf(), []);
    const { exits } = await client.run('push');
    assert.deepEqual(exits, [6]);
    assert.deepEqual(await wrongOf(), ['diverged']);
    skew = 25 * HOUR;
    assert.deepEqual((await client.run('push')).exits, [6]);
    skew = 27 * HOUR;
    assert.deepEqual(await wrongOf(), ['snapshot data', 'push origin', 'diverged']);
  });

  it('a push that goes well each time and takes other branches only', async () => {
    await job('one');
    const side = 'bb'.repeat(16) as BranchId;
    const made = client.tip();
    client.branch(side, 'side', made as never);
    client.meta.putRemote({ ...client.remoteNamed('origin'), selection: { branches: ['side'] } });
    const daily = async (): Promise<void> => {
      assert.deepEqual((await client.run('push')).exits.filter(Boolean), []);
    };
    await daily();
    writeFileSync(join(dir, 'file'), 'two');
    await snapshotAndPush(client.engine, { skipUnchanged: true, maxDelete: 1, pushTo: 'origin' });
    assert.deepEqual(await wrongOf(), []);
    skew = 30 * HOUR;
    await snapshotAndPush(client.engine, { skipUnchanged: true, maxDelete: 1, pushTo: 'origin' });
    assert.deepEqual(await wrongOf(), [`arrived ${dir}`]);
    const { selection: _, ...whole } = client.remoteNamed('origin');
    client.meta.putRemote(whole);
    await daily();
    assert.deepEqual(await wrongOf(), []);
  });

  it('a directory that is gone, and a hold that ran out', async () => {
    await job('one');
    await hold(client.engine, HOUR);
    skew = 2 * HOUR;
    const held = (await look()).checks.find(({ name }) => name.startsWith('directory'));
    assert.match(held?.detail ?? '', /1 hold ran out/);
    renameSync(dir, `${dir}.away`);
    assert.deepEqual(await wrongOf(), [`directory ${dir}`]);
    mkdirSync(dir);
    assert.deepEqual(await wrongOf(), [`directory ${dir}`]);
  });

  it('a directory that is reached another way is in place, and nothing is noted about it', async () => {
    await job('one');
    const [volume] = listVolumes(client.engine.dir);
    renameSync(dir, `${dir}-elsewhere`);
    symlinkSync(`${dir}-elsewhere`, dir);
    assert.deepEqual(await wrongOf(), []);
    const { state } = openVolume(client.engine.dir, volume.state.id);
    assert.deepEqual(state, volume.state);
  });

  it('a check that fails itself is a finding, and the others are made', async () => {
    await job('one');
    const { checks } = await look({ packs: () => Promise.reject(new Error('the index is gone')) });
    const scrub = checks.find(({ name }) => name === 'scrub');
    assert.deepEqual([scrub?.ok, scrub?.detail], [false, 'the index is gone']);
    assert.ok(checks.some(({ name }) => name === 'format'));
  });

  it('sixty days from cron: green exactly while the last snapshot and the last push are young enough', async () => {
    const chance = new Random(replayedSeed ?? FIXED_SEED);
    let port = 0;
    let away = 0;
    let [saved, pushed] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const seen = { green: 0, red: 0, outages: 0, killed: 0, missed: 0 };
    const now = (): number => client.engine.world.now();
    for (let day = 0; day < 60; day++) {
      skew = (day * 24 + chance.below(3)) * HOUR;
      if (away === 0 && chance.below(6) === 0) away = 1 + chance.below(3);
      if (away > 0 && port === 0) {
        port = Number(new URL(hub.url).port);
        await hub.stop();
        seen.outages++;
      }
      if (away === 0 && port !== 0) {
        hub = await rig.hub('hub', port);
        port = 0;
      }
      away = Math.max(0, away - 1);
      const luck = chance.below(10);
      if (luck === 0) {
        // The machine was off: no job at all.
        seen.missed++;
      } else if (luck === 1) {
        // Killed between the snapshot and its push: as if there were no --push.
        seen.killed++;
        writeFileSync(join(dir, 'file'), `day ${day}`);
        await snapshotAndPush(client.engine, { skipUnchanged: true, maxDelete: 1 });
        saved = now();
      } else {
        const done = await job(day % 3 === 0 ? 'the same' : createHash('md5').update(`${day}`).digest('hex')).then(
          () => true,
          (error: unknown) => {
            assert.ok(error instanceof PlaitError && error.code === 'network', String(error));
            return false;
          },
        );
        saved = now();
        if (done) pushed = now();
        assert.equal(done, port === 0, `day ${day}`);
      }
      for (const later of [0, 5, 23]) {
        skew += later * HOUR;
        const young = now() - saved <= MAX_AGE && now() - pushed <= MAX_AGE;
        const { ok, checks } = await look();
        assert.equal(ok, young, `day ${day}: ${JSON.stringify(checks.filter((row) => !row.ok))}`);
        seen[ok ? 'green' : 'red']++;
      }
    }
    assert.ok(Math.min(...Object.values(seen)) > 2, JSON.stringify(seen));
  });
});
