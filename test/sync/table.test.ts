import assert from 'node:assert/strict';
import { type Client, type HubOfTwo, hubOfTwo, MAIN, type RunningHub, VOLSET } from './rig.ts';

/** Values of target, current and initial before; of target and current after; what a second, two-way sync leaves. */
interface Row {
  before: string;
  twoWay: string;
  oneWay: string;
  /** Both sides, after a two-way sync that follows the one-way one. */
  later: string;
  conflict?: { initial: string; current: string; target: string; resolution: 'target' };
}

const met = { initial: 'A', current: 'C', target: 'B', resolution: 'target' } as const;
const TABLE: Row[] = [
  { before: 'A/A/A', twoWay: 'A/A', oneWay: 'A/A', later: 'A' },
  { before: 'A/B/A', twoWay: 'B/B', oneWay: 'A/B', later: 'B' },
  { before: 'B/A/A', twoWay: 'B/B', oneWay: 'B/B', later: 'B' },
  { before: 'B/B/A', twoWay: 'B/B', oneWay: 'B/B', later: 'B' },
  { before: 'B/C/A', twoWay: 'B/B', oneWay: 'B/B', later: 'B', conflict: met },
];

describe('sync: one object, the values of target, current and initial', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    await a.save({ f: '1' });
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const fields = {
    'name of the volset': {
      register: () => 'volset:name',
      read: async (store: Readable) => (await store.findVolset(VOLSET))?.name,
    },
    'name of a branch': {
      register: () => `branch:${MAIN}:name`,
      read: async (store: Readable) => (await store.findBranch(VOLSET, MAIN))?.name,
    },
    'name of a snapshot': {
      register: () => `snapshot:${a.tip()}:name`,
      read: async (store: Readable) => {
        const tip = a.tip();
        return tip === null ? undefined : (await store.findSnapshot(VOLSET, tip))?.name;
      },
    },
  };
  type Readable = Pick<RunningHub['thread']['meta'], 'findVolset' | 'findBranch' | 'findSnapshot'>;
  const asAsync = (client: Client): Readable => client.meta as unknown as Readable;

  for (const [what, { register, read }] of Object.entries(fields)) {
    const values = async () => `${await read(hub.thread.meta)}/${await read(asAsync(a))}`;

    /** Both start from the initial value; the target's is written by another store. */
    async function arrange(before: string) {
      const [target, current, initial] = before.split('/');
      a.set(register(), initial);
      await a.run('push');
      await b.run('pull');
      if (target !== initial) {
        b.set(register(), target);
        await b.run('push');
      }
      if (current !== initial) a.set(register(), current);
      assert.equal(await values(), `${target}/${current}`);
    }

    for (const { before, twoWay, oneWay, later, conflict } of TABLE) {
      const told = (rows: Awaited<ReturnType<Client['run']>>['result']['conflicts']) =>
        rows.map(({ initial, current, target, resolution }) => ({ initial, current, target, resolution }));
      const expected = conflict ? [conflict] : [];

      it(`${what}: ${before} two-way`, async () => {
        await arrange(before);
        const planned = await a.run('sync', {}, { dryRun: true });
        assert.equal(await values(), before.slice(0, 3));
        const done = await a.run('sync');
        assert.equal(await values(), twoWay);
        assert.deepEqual([told(done.result.conflicts), done.exits], [expected, conflict ? [5] : []]);
        assert.deepEqual(
          [told(planned.result.conflicts), planned.exits, planned.result.upToDate],
          [expected, done.exits, done.result.upToDate],
        );
        assert.equal((await a.run('sync')).result.requests, 1);
        await b.run('sync');
        assert.equal(await read(asAsync(b)), later);
        assert.deepEqual(b.meta.listConflicts(VOLSET).length, expected.length);
      });

      it(`${what}: ${before} one-way, and two-way after it`, async () => {
        await arrange(before);
        const done = await a.run('sync', {}, { pullOnly: true });
        assert.equal(await values(), oneWay);
        assert.deepEqual([told(done.result.conflicts), done.exits], [expected, conflict ? [5] : []]);
        const again = await a.run('sync', {}, { pullOnly: true });
        assert.deepEqual([again.exits, again.result.upToDate], [[], true]);
        assert.deepEqual((await a.run('sync')).exits, []);
        assert.equal(await values(), `${later}/${later}`);
      });
    }
  }
});
