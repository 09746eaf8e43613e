/** What a hub does with records: owners, hand-overs, deleted volsets, forks, names; a real hub and real stores. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { StoreId } from '../../src/core/ids.ts';
import type { AnyRecord } from '../../src/core/records.ts';
import { newToken } from '../../src/hub/index.ts';
import type { Right } from '../../src/wire/transfer-service.ts';
import { LogClient } from './log-client.ts';
import { RealHub } from './real-hub.ts';
import { OTHER, rejectsWith, VOLSET } from './support.ts';

describe('hub: what becomes of records', () => {
  let real: RealHub;
  let made = 0;
  beforeEach(async () => {
    real = await RealHub.start();
  });
  afterEach(() => real[Symbol.asyncDispose]());

  const token = async (label: string, can: Right[] = ['read', 'write']): Promise<string> => {
    const random = (bytes: number) => createHash('sha256').update(`${++made}`).digest().subarray(0, bytes);
    const { text, row } = newToken({ volset: '*', can, label, expires: null }, random, Date.now());
    await real.thread.meta.putToken(row);
    return text;
  };
  const hub = (): StoreId => real.thread.meta.self.store;
  const client = (options = {}, bearer?: string) => new LogClient(real.hub.url, options, { token: bearer });
  const names = async ({ peer }: LogClient): Promise<string[]> => (await peer.listVolsets()).map((v) => v.name).sort();

  describe('owner', () => {
    const rows: [string, (c: LogClient) => void, string | null][] = [
      ['nobody yet: the label of the token', () => {}, 'alice'],
      ['named by who made it: stays', (c) => c.set('owner', 'carol'), 'carol'],
    ];
    for (const [what, prepare, owner] of rows) {
      it(`${what}, and comes back in the same session`, async () => {
        await using alice = client({}, await token('alice'));
        alice.begin();
        prepare(alice);
        const vector = await alice.push();
        await alice.pull();
        assert.equal(alice.store.findVolset(VOLSET)?.owner, owner);
        assert.deepEqual(alice.store.vector(VOLSET), vector);
      });
    }

    it('is not changed by who comes later, nor set where nobody had to say who he is', async () => {
      await using first = client();
      await first.begin().push();
      assert.equal((await real.thread.meta.findVolset(VOLSET))?.owner, null);
      await using bob = client({}, await token('bob'));
      await bob.pull();
      bob.set('description', 'by bob');
      assert.deepEqual(await bob.push(), bob.store.vector(VOLSET));
      assert.equal((await real.thread.meta.findVolset(VOLSET))?.owner, null);
    });

    it('is whoever brings the records, not who announced them', async () => {
      await using writer = client({}, await token('writer'));
      await using appender = client({}, await token('appender', ['append']));
      await assert.rejects(appender.begin().push(), rejectsWith('not-found'));
      await writer.peer.createVolset({ id: VOLSET, name: 'data' });
      await appender.push();
      assert.equal((await real.thread.meta.findVolset(VOLSET))?.owner, 'appender');
    });
  });

  describe('records handed over', () => {
    const ephemeral = { ephemeral: true };

    it('are logged once by the hub, and the open ones go when they come back', async () => {
      await using job = client(ephemeral, await token('ci'));
      job.begin().set('description', 'built');
      const { vector } = await job.handOver();
      assert.deepEqual(Object.keys(vector), [hub()]);
      assert.deepEqual(await job.handOver(), { vector }, 'a second time nothing is new');
      await job.pull();
      assert.deepEqual(job.store.openRecords(VOLSET), []);
      const { description, owner } = job.store.findVolset(VOLSET) ?? {};
      assert.deepEqual({ description, owner }, { description: 'built', owner: 'ci' });
      assert.deepEqual(job.store.vector(VOLSET), await real.thread.meta.vector(VOLSET));
    });

    it('twenty jobs add nothing to the vector', async () => {
      await using first = client();
      const before = Object.keys(await first.begin().push());
      for (let n = 0; n < 20; n++) {
        await using job = client(ephemeral);
        await job.pull();
        job.set(`attr:${n}`, 'done');
        await job.handOver();
      }
      const after = Object.keys(await real.thread.meta.vector(VOLSET));
      assert.deepEqual(new Set(after), new Set([...before, hub()]));
      await first.pull();
      assert.equal(Object.keys(first.store.findVolset(VOLSET)?.attrs ?? {}).length, 20);
    });

    it('need the right to make a volset where there is none', async () => {
      await using job = client(ephemeral, await token('ci', ['append']));
      await assert.rejects(job.begin().handOver(), rejectsWith('not-found'));
      assert.equal(await real.thread.meta.knowsVolset(VOLSET), false);
    });

    it('of a rival name, of a clock far ahead, before their parents: refused, and nothing is kept', async () => {
      await using here = client();
      await here.begin('data', OTHER).push({}, OTHER);
      await using rival = client(ephemeral);
      await assert.rejects(rival.begin().handOver(), rejectsWith('exists'));
      await using ahead = client({ ...ephemeral, now: () => Date.now() + 25 * 3_600_000 });
      await assert.rejects(ahead.begin('other').handOver(), rejectsWith('protocol', /25 hours ahead/));
      await using early = client(ephemeral);
      early.begin('early').set('description', 'one');
      early.set('description', 'two');
      const records = early.store.openRecords(VOLSET).slice(-1);
      await assert.rejects(early.peer.handOver(VOLSET, records), rejectsWith('protocol'));
      assert.equal(await real.thread.meta.knowsVolset(VOLSET), false);
      assert.deepEqual(await names(here), ['data']);
    });
  });

  describe('a volset that was deleted', () => {
    const deleted = async (): Promise<{ a: LogClient; b: LogClient }> => {
      const [a, b] = [client(), client()];
      await a.begin().push();
      await b.pull();
      a.store.commit(VOLSET, [{ edit: 'delete', object: 'volset' }]);
      await a.push(b.store.vector(VOLSET));
      return { a, b };
    };

    it('is hidden, and others learn of it', async () => {
      const { a, b } = await deleted();
      await using stack = new AsyncDisposableStack();
      for (const used of [a, b]) stack.use(used);
      assert.deepEqual(await names(a), []);
      assert.equal((await fetch(`${real.hub.url}/v1/volsets/${VOLSET}`)).status, 404);
      await b.pull();
      assert.equal(b.store.findVolset(VOLSET), undefined);
      assert.equal(b.store.knowsVolset(VOLSET), true);
    });

    it('may be announced again, and comes back with an edit that the deletion did not see', async () => {
      const { a, b } = await deleted();
      await using stack = new AsyncDisposableStack();
      for (const used of [a, b]) stack.use(used);
      await b.peer.createVolset({ id: VOLSET, name: 'data' });
      assert.deepEqual(await names(b), []);
      b.set('name', 'kept');
      await b.push(await real.thread.meta.vector(VOLSET));
      assert.deepEqual(await names(a), ['kept']);
      await a.pull();
      assert.equal(a.store.findVolset(VOLSET)?.name, 'kept');
    });

    it('gives its name away, and has it again when it comes back', async () => {
      const { a, b } = await deleted();
      await using stack = new AsyncDisposableStack();
      for (const used of [a, b]) stack.use(used);
      a.begin('data', OTHER);
      await a.push({}, OTHER);
      b.set('description', 'still needed');
      await b.push(await real.thread.meta.vector(VOLSET));
      const shown = (await a.peer.listVolsets()).map(({ id, name }) => [id, name]);
      assert.deepEqual(
        new Map(shown as [string, string][]),
        new Map([
          [VOLSET, 'data'],
          [OTHER, `data.${OTHER.slice(0, 4)}`],
        ]),
      );
    });
  });

  it('a name belongs to the first volset: others are refused at their making, a rename is told apart', async () => {
    await using one = client();
    await one.begin('other', OTHER).push({}, OTHER);
    await using two = client();
    await two.begin('data').push();
    await assert.rejects(
      client().peer.createVolset({ id: 'c7'.repeat(16) as typeof OTHER, name: 'data' }),
      rejectsWith('exists'),
    );
    one.set('name', 'data', OTHER);
    await one.push({}, OTHER);
    assert.deepEqual(await names(one), ['data', `data.${OTHER.slice(0, 4)}`]);
    const plain = (await one.peer.listVolsets()).find(({ name }) => name === 'data');
    assert.equal(plain?.id, VOLSET, 'the one that had it first, though it came second');
  });

  it('of two volsets that are made at once with one name, one is refused', async () => {
    for (let n = 0; n < 10; n++) {
      const ids = [0, 1].map((k) => createHash('md5').update(`${n} ${k}`).digest('hex') as typeof VOLSET);
      const made = await Promise.allSettled(
        ids.map(async (id) => {
          await using maker = client();
          maker.begin(`twice ${n}`, id);
          return await maker.push({}, id);
        }),
      );
      assert.deepEqual(made.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    }
  });

  it('who pushes is a member under its label, with what it holds; who reads is none', async () => {
    await using pusher = client({ label: 'laptop' });
    await pusher.begin().push();
    await using reader = client({ label: 'reader' });
    await reader.pull();
    const members = await real.thread.meta.listMembers(VOLSET);
    assert.deepEqual(
      members.map(({ store, label, state }) => ({ store, label, state })),
      [{ store: pusher.store.self.store, label: 'laptop', state: 'active' }],
    );
    // Nothing to send, but it says that it holds what came from elsewhere.
    await pusher.peer.sendGenerations(VOLSET, [], { label: 'desktop', vector: pusher.store.vector(VOLSET) });
    assert.equal((await real.thread.meta.listMembers(VOLSET)).length, 1);
    await reader.peer.sendGenerations(VOLSET, [], { label: 'reader', vector: reader.store.vector(VOLSET) });
    assert.equal((await real.thread.meta.listMembers(VOLSET)).length, 1);
  });

  it('a gap, a record that names what nobody knows, a round that is cut: nothing is kept', async () => {
    await using c = client();
    c.begin();
    for (let n = 0; n < 3; n++) {
      c.set('description', `${n}`);
      c.store.cut(VOLSET);
    }
    const [one, two, three] = c.generations();
    const sender = { label: '', vector: {} };
    await assert.rejects(
      c.peer.sendGenerations(VOLSET, [one, three], sender),
      (error: { data?: { reason?: string } }) => rejectsWith('protocol')(error) && error.data?.reason === 'gap',
    );
    const author = c.store.self.store;
    const stray: AnyRecord = {
      type: 'write',
      register: 'volset:name',
      value: 'x',
      parents: ['ab'.repeat(32) as never],
      stamp: '1'.repeat(16),
      author,
    };
    const loose = makeGeneration(VOLSET, author, 1, NO_GENERATION, [stray]);
    await assert.rejects(c.peer.sendGenerations(VOLSET, [loose], sender), rejectsWith('protocol'));
    const breaking = (async function* () {
      yield one;
      yield two;
      throw new Error('gone');
    })();
    await assert.rejects(c.peer.sendGenerations(VOLSET, breaking, sender));
    assert.equal(await real.thread.meta.knowsVolset(VOLSET), false);
  });
});
