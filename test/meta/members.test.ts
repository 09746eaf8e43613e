import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StoreId } from '../../src/core/ids.ts';
import { openMetaStore } from '../../src/meta/index.ts';
import { fetchFrom, memoryStore, newId, seed, set, V } from './helpers.ts';

const DAY = 86_400_000;

describe('metadata: members', () => {
  const stores: ReturnType<typeof memoryStore>[] = [];
  const store = () => {
    const made = memoryStore();
    stores.push(made);
    return made;
  };
  let [hub, a, b] = [store(), store(), store()];
  beforeEach(() => {
    [hub, a, b] = [store(), store(), store()];
    seed(a);
  });
  afterEach(() => {
    for (const meta of stores.splice(0)) {
      assert.deepEqual(meta.verify(), []);
      meta[Symbol.dispose]();
    }
  });
  /** What a push carries: `from` names itself and says what it holds. */
  const push = (from: typeof hub) => fetchFrom(hub, from, { label: 'laptop', held: from.cut(V), vector: undefined });
  const states = (of = hub) => of.listMembers(V).map(({ store: id, label, state }) => [id, label, state]);

  it('who writes is one, with its label and when it was seen; who only reads is none', () => {
    hub.clock.time = 5e12;
    push(a);
    fetchFrom(b, hub); // reads
    hub.apply(V, { peer: b.self.store, generations: [], label: 'reader', held: b.vector(V) });
    assert.deepEqual(hub.listMembers(V), [
      { store: a.self.store, label: 'laptop', lastSeen: 5e12, behind: 0, state: 'active' },
    ]);
    assert.deepEqual(hub.listMembers('d0'.repeat(16) as never), []);
  });
  it('we ourselves are none, be it that our own generations come back', () => {
    push(a);
    fetchFrom(a, hub);
    assert.deepEqual(states(a), []);
    hub.commit(V, [set('volset:owner', 'o')]);
    fetchFrom(a, hub);
    assert.deepEqual(
      states(a).map(([id]) => id),
      [hub.self.store],
    );
  });
  it('one that is met through another has no label until it comes itself', () => {
    push(a);
    fetchFrom(b, hub);
    assert.deepEqual(states(b), [[a.self.store, '', 'active']]);
    fetchFrom(b, a, { label: 'ada' });
    assert.deepEqual(states(b), [[a.self.store, 'ada', 'active']]);
    fetchFrom(b, a);
    assert.deepEqual(states(b), [[a.self.store, 'ada', 'active']], 'without a label the old one stays');
  });
  it('retired by hand it is not waited for; when it comes back it is active', () => {
    push(a);
    hub.retireMember(V, a.self.store);
    hub.retireMember(V, a.self.store);
    assert.deepEqual(states(), [[a.self.store, 'laptop', 'retired']]);
    push(a);
    assert.deepEqual(states(), [[a.self.store, 'laptop', 'active']]);
  });
  for (const [what, id] of [
    ['an unknown store', `${newId()}.1`],
    ['no store', 'x'],
    ['a prefix', 'a'],
  ])
    it(`${what} cannot be retired: not-found`, () => {
      push(a);
      assert.throws(() => hub.retireMember(V, id as StoreId), { code: 'not-found' });
    });
  it('a clock that goes back takes no day from anybody', () => {
    hub.clock.time = 5e12;
    push(a);
    hub.clock.time = 4e12;
    a.commit(V, [set('volset:owner', 'o')]);
    push(a);
    assert.equal(hub.listMembers(V)[0].lastSeen, 5e12);
  });
  it('a round with nothing new is written down once a minute', () => {
    push(a);
    const seen = () => hub.listMembers(V)[0].lastSeen;
    const first = seen();
    hub.clock.time += 59_999;
    push(a);
    assert.equal(seen(), first);
    hub.clock.time += 1;
    push(a);
    assert.equal(seen(), first + 60_000);
  });
  it('unseen for long enough it is retired by compaction', () => {
    push(a);
    hub.clock.time += 180 * DAY - 1;
    hub.compact(V, { retireAfterMs: 180 * DAY });
    assert.equal(states()[0][2], 'active');
    hub.clock.time += 1;
    hub.compact(V, { retireAfterMs: 180 * DAY });
    assert.equal(states()[0][2], 'retired');
  });
  it('what a member says that it holds has to be a vector', () => {
    push(a);
    const held = { nonsense: 1 } as never;
    assert.throws(() => hub.apply(V, { peer: a.self.store, generations: [], held }), { code: 'protocol' });
  });
  it('a damaged row is noticed', () => {
    const dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    const path = join(dir, 'meta.db');
    const onDisk = openMetaStore({ path, create: true });
    fetchFrom(onDisk, a);
    onDisk[Symbol.dispose]();
    const db = new DatabaseSync(path);
    db.exec('UPDATE members SET retired = 1');
    db.close();
    const again = openMetaStore({ path });
    assert.equal(again.verify().length, 1);
    assert.throws(() => again.listMembers(V), { code: 'integrity' });
    again[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });
});
