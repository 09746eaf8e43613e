/** What a hub that was started as users do tells of its health and its work, to whom it may. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { activityAnswer, healthViewAnswer } from '../../src/wire/activity-schemas.ts';
import { decode } from '../../src/wire/schema.ts';
import type { Activity, HealthView } from '../../src/wire/views.ts';
import { type Document, type Hub, Lab } from './helpers/lab.ts';

describe('e2e: the health of a hub', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  const tokens: Record<'all' | 'scoped', string> = { all: '', scoped: '' };

  before(async () => {
    lab = new Lab();
    hub = await lab.hub('hub', '--no-ui');
    const work = await lab.volume('work', hub);
    writeFileSync(join(work, 'a'), 'a');
    await lab.in('work', ['snapshot', '--push', 'origin']);
    const [{ id }] = (await lab.run(['--store', hub.store, 'volset', 'list'])).volsets as Document[];
    const make = async (volset: string): Promise<string> =>
      (await lab.run(['--store', hub.store, 'token', 'create', '--can', 'read', '--volset', volset])).token;
    tokens.all = await make('*');
    tokens.scoped = await make(id);
  });
  after(() => lab[Symbol.asyncDispose]());

  async function ask(path: string, token: string): Promise<unknown> {
    const answer = await fetch(`${hub.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200);
    return answer.json();
  }
  const health = async (token: string): Promise<HealthView> =>
    decode(healthViewAnswer, await ask('/v1/health', token), 'health');

  it('is that of `plait doctor`, for a token for all volume sets', async () => {
    const { ok, checks, doctor } = await health(tokens.all);
    assert.deepEqual([ok, checks.serving], [true, true]);
    const said = await lab.run(['--store', hub.store, 'doctor'], [0, 18]);
    const rows = (of: readonly Document[]) => of.map((row) => [row.name, row.ok]);
    assert.deepEqual(rows(doctor?.checks ?? []), rows(said.checks));
    assert.equal(doctor?.ok, said.ok);
    assert.match(String(doctor?.checks.find(({ name }) => name === 'scrub')?.detail), /pack/, 'it sees the data');
  });

  it('is the checks alone for a token for one', async () => {
    const { ok, doctor } = await health(tokens.scoped);
    assert.deepEqual([ok, doctor], [true, null]);
  });

  it('tells its work to both', async () => {
    for (const token of Object.values(tokens)) {
      const seen = decode<Activity>(activityAnswer, await ask('/v1/activity', token), 'activity');
      assert.deepEqual([seen.queues, seen.transfers, seen.followers], [[], [], 0]);
    }
  });

  it('serves no page with --no-ui', async () => {
    assert.equal((await fetch(`${hub.url}/`, { headers: { authorization: `Bearer ${tokens.all}` } })).status, 404);
  });

  it('stops while somebody asks for it', async () => {
    const asked = ask('/v1/health', tokens.all).catch((error: unknown) => error);
    const end = await hub.stop();
    assert.equal(end.exit, 0, JSON.stringify(end));
    await asked;
  });
});
