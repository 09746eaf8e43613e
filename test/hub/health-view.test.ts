/** What a hub tells of its health to people: the checks of /healthz, and what a doctor sees, to whom all may be told. */
import assert from 'node:assert/strict';
import { type DoctorRow, DoctorWatch } from '../../src/hub/doctor.ts';
import { healthViewAnswer } from '../../src/wire/activity-schemas.ts';
import { decode } from '../../src/wire/schema.ts';
import type { HealthView } from '../../src/wire/views.ts';
import { startHub, VOLSET } from './support.ts';

const GOOD: DoctorRow = { name: 'disk', ok: true, detail: '9 MiB free', hint: null };
const BAD: DoctorRow = { name: 'directory /srv/x', ok: false, detail: 'gone', hint: 'put it back' };

async function look(url: string, token?: string): Promise<HealthView> {
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/v1/health`, { headers });
  assert.equal(answer.status, 200);
  return decode(healthViewAnswer, await answer.json(), 'health');
}

describe('hub: health for people', () => {
  it('tells the checks of /healthz, be they bad, and no doctor where there is none', async () => {
    await using test = await startHub();
    test.meta.broken = true;
    const seen = await look(test.url);
    assert.deepEqual([seen.ok, seen.checks['meta-write'], seen.doctor], [false, false, null]);
    const plain = await fetch(`${test.url}/healthz`);
    assert.equal(plain.status, 503);
    const { ok, checks } = seen;
    assert.deepEqual(await plain.json(), { ok, checks });
  });

  it('tells what the doctor sees to a token for all volume sets, and nothing of it to one for one', async () => {
    await using test = await startHub({ doctor: async () => [GOOD, BAD] });
    const before = Date.now();
    const { doctor } = await look(test.url, test.token(['read']));
    assert.ok(doctor && doctor.at >= before);
    assert.deepEqual([doctor.ok, doctor.checks], [false, [GOOD, BAD]]);
    const scoped = await look(test.url, test.token(['read'], { volset: VOLSET }));
    assert.deepEqual([scoped.ok, scoped.doctor], [true, null]);
  });

  it('tells nobody where everybody gets in from anywhere, and does on loopback', async () => {
    const doctor = async (): Promise<DoctorRow[]> => [GOOD];
    await using open = await startHub({ doctor, noAuth: true, host: '0.0.0.0' });
    assert.equal((await look(open.url.replace('0.0.0.0', '127.0.0.1'))).doctor, null);
    await using own = await startHub({ doctor, noAuth: true });
    assert.deepEqual((await look(own.url)).doctor?.checks, [GOOD]);
  });

  it('a scoped token does not even make it look', async () => {
    let looks = 0;
    const doctor = async (): Promise<DoctorRow[]> => {
      looks++;
      return [];
    };
    await using test = await startHub({ doctor });
    await look(test.url, test.token(['read'], { volset: VOLSET }));
    assert.equal(looks, 0);
  });

  it('a doctor that fails is a finding, and is logged', async () => {
    const doctor = async (): Promise<DoctorRow[]> => {
      throw new Error('the disk is on fire');
    };
    await using test = await startHub({ doctor });
    const { ok, doctor: told } = await look(test.url);
    assert.equal(ok, true, 'the hub itself is well');
    assert.deepEqual(
      [told?.ok, told?.checks.map(({ name, ok, detail }) => [name, ok, detail])],
      [false, [['doctor', false, 'the disk is on fire']]],
    );
    assert.ok(test.log.some(({ event, message }) => event === 'doctor-failed' && message === 'the disk is on fire'));
  });
});

describe('hub: the look of a doctor', () => {
  function watch(look: () => Promise<DoctorRow[]>, patienceMs?: number) {
    const clock = { now: 1000 };
    const doctor = new DoctorWatch({ look, now: () => clock.now, onFailure: () => {}, patienceMs });
    return { doctor, clock };
  }

  it('is shared by all who ask at once, and kept for half a minute', async () => {
    let looks = 0;
    const { doctor, clock } = watch(async () => {
      looks++;
      return [GOOD];
    });
    const told = await Promise.all([1, 2, 3].map(() => doctor.get()));
    assert.deepEqual([looks, told], [1, Array(3).fill({ ok: true, at: 1000, checks: [GOOD] })]);
    clock.now += 29_999;
    assert.equal((await doctor.get())?.at, 1000);
    clock.now += 1;
    assert.equal((await doctor.get())?.at, 31_000);
    assert.equal(looks, 2);
  });

  it('that never ends is a finding as well', async () => {
    const { doctor } = watch(() => new Promise(() => {}), 1);
    const told = await doctor.get();
    assert.deepEqual([told?.ok, told?.checks[0].name], [false, 'doctor']);
    assert.match(String(told?.checks[0].detail), /no answer/);
  });

  it('stays within what the protocol says, whatever it sees', async () => {
    const many = Array.from({ length: 10_001 }, (_, n) => ({ ...BAD, ok: n < 10_000, detail: 'x'.repeat(5000) }));
    const told = await watch(async () => many).doctor.get();
    decode(healthViewAnswer, { ok: true, checks: {}, doctor: told }, 'health');
    assert.equal(told?.ok, false, 'what is left out counts');
  });
});
