import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { canonicalBytes } from '../../src/core/canonical.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Ref } from '../../src/core/records.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { decodeState, encodeState, livePlaces, STORE_STATE, type State } from '../../src/core/state-object.ts';
import type { MetaStore } from '../../src/meta/contract.ts';
import { openMetaStore } from '../../src/meta/index.ts';

const V = 'dd'.repeat(16) as VolsetId;
const branch = (n: number): BranchId => n.toString(16).padStart(32, '0') as BranchId;

function made(branches: number): MetaStore {
  const meta = openMetaStore({ path: ':memory:', label: 'here' });
  meta.commit(V, [{ edit: 'create-volset', name: 'v', creator: 'c' }]);
  for (let n = 0; n < branches; n++)
    meta.commit(V, [{ edit: 'create-branch', branch: branch(n), name: `b${n}`, creator: 'c' }]);
  return meta;
}

let last = 0;
function move(meta: MetaStore, to: BranchId): SnapshotId {
  const root = randomBytes(32).toString('hex') as never;
  const from = meta.findBranch(V, to)?.tip ?? null;
  const body = {
    type: 'snapshot',
    volset: V,
    parents: from ? [from] : [],
    root,
    created: ++last,
    creator: 'c',
  } as const;
  const full = { ...body, parents: [...body.parents], files: 0, bytes: 0 };
  const id = idOfBody(full);
  meta.commit(V, [
    { edit: 'snapshot', id, body: full, blob: true },
    { edit: 'move-ref', branch: to, from, to: id },
  ]);
  return id;
}

/** As settle does; answers what was told. */
function pack(meta: MetaStore): State[] {
  const states = meta.unpackedStates();
  meta.markPacked(
    [],
    states.map(({ mark }) => mark),
  );
  return states.map(({ volset, bytes }) => decodeState(volset, bytes) ?? assert.fail());
}

const refsIn = (states: State[]): Ref[] => states.flatMap((state) => (state.state === 'volset' ? state.refs : []));

describe('meta: states of a store', () => {
  it('are told when something has moved, in steps, and not again', () => {
    using meta = made(20);
    meta.cut(V);
    assert.deepEqual(
      pack(meta).map(({ state }) => state),
      ['store'],
    );
    assert.deepEqual(pack(meta), []);
    for (let n = 0; n < 20; n++) move(meta, branch(n));
    // Not cut yet: the refs may point at what no pack has.
    assert.deepEqual(pack(meta), []);
    meta.cut(V);
    const [first, ...none] = pack(meta);
    assert.ok(none.length === 0 && first?.state === 'volset' && first.whole);
    assert.equal(first.refs.length, 20);
    const id = move(meta, branch(3));
    meta.cut(V);
    const [second] = pack(meta);
    assert.ok(second?.state === 'volset' && !second.whole && second.sequence > first.sequence);
    assert.deepEqual(
      second.refs.map(({ branch, snapshot }) => [branch, snapshot]),
      [[branch(3), id]],
    );
    assert.deepEqual(pack(meta), []);
  });

  it('of many steps one tells everything again, so that few have to be kept', () => {
    using meta = made(10);
    const told: State[] = [];
    for (let n = 0; n < 100; n++) {
      move(meta, branch(n % 10));
      meta.cut(V);
      told.push(...pack(meta));
    }
    const volsets = told.filter((state) => state.state === 'volset');
    assert.equal(volsets.length, 100);
    const live = livePlaces(volsets).map((place) => volsets[place] as State);
    assert.ok(live.length <= 21, `${live.length} to be kept`);
    const latest = new Map(
      refsIn(live)
        .sort((a, b) => a.revision - b.revision)
        .map(({ branch, snapshot }) => [branch, snapshot]),
    );
    assert.deepEqual(latest, new Map(meta.listBranches(V).map(({ id, tip }) => [id, tip])));
  });

  it('of the store follow remotes, settings and tokens, but not what is remembered of peers, nor secrets', () => {
    using meta = made(0);
    pack(meta);
    meta.putSetting('peer.x.y.blobs', '4');
    meta.putSetting('hub.transfer-secret', 'secret');
    meta.putSetting('hub.probe', '1700000000000');
    assert.deepEqual(pack(meta), []);
    meta.putSetting('config.label', 'there');
    meta.putRemote({ name: 'origin', url: 'http://hub', enabled: true });
    const token = {
      id: 't',
      hash: 'h',
      label: '',
      volset: '*',
      can: ['read'],
      created: 1,
      expires: null,
      revoked: false,
    };
    meta.putToken(token);
    const [state] = pack(meta);
    assert.ok(state?.state === 'store');
    assert.deepEqual([state.settings, state.tokens], [{ 'config.label': 'there' }, [token]]);
    assert.deepEqual(state.remotes, meta.listRemotes());
    meta.revokeToken('t');
    assert.equal(pack(meta)[0]?.sequence, state.sequence + 1);
    meta.repackStates();
    assert.equal(pack(meta).length, 1);
  });

  it('an ephemeral store tells none', () => {
    using meta = openMetaStore({ path: ':memory:', ephemeral: true });
    meta.putSetting('config.label', 'x');
    assert.deepEqual(meta.unpackedStates(), []);
  });
});

describe('core: state objects', () => {
  const author = { install: 'ab'.repeat(16) as never, epoch: 2, sequence: 7 };
  const store: State = { state: 'store', ...author, label: 'x', remotes: [], settings: { a: 'b' }, tokens: [] };
  const ref = { branch: branch(1), snapshot: 'ef'.repeat(32) as SnapshotId, revision: 3 };
  const volset: State = { state: 'volset', ...author, volset: V, whole: true, refs: [ref] };

  it('are read back as they were', () => {
    assert.deepEqual(decodeState(STORE_STATE, encodeState(store) as Uint8Array), store);
    assert.deepEqual(decodeState(V, encodeState(volset) as Uint8Array), volset);
  });

  const plain = { version: 1, ...volset };
  const wrong: [string, VolsetId, object][] = [
    ['of another volset', 'ee'.repeat(16) as VolsetId, plain],
    ['of a volset in the place of the store', STORE_STATE, plain],
    ['of the store in the place of a volset', V, { version: 1, ...store }],
    ['no epoch', V, { ...plain, epoch: 0 }],
    ['an epoch beyond all', V, { ...plain, epoch: 1e9 }],
    ['no store', V, { ...plain, install: 'x' }],
    ['more than there is', V, { ...plain, more: 1 }],
    ['a ref to nothing', V, { ...plain, refs: [{ ...ref, snapshot: 'x' }] }],
    ['a ref of no branch', V, { ...plain, refs: [{ ...ref, branch: null }] }],
    ['refs that are none', V, { ...plain, refs: { length: 1 } }],
    ['settings that are no texts', STORE_STATE, { version: 1, ...store, settings: { a: 1 } }],
    ['tokens that are no rows', STORE_STATE, { version: 1, ...store, tokens: [1] }],
  ];
  for (const [what, where, value] of wrong) {
    it(`refuses one with ${what}`, () => {
      assert.throws(() => decodeState(where, canonicalBytes(value)), { code: 'protocol' });
    });
  }

  it('has a place that no volume set may take', () => {
    using meta = openMetaStore({ path: ':memory:' });
    const edit = { edit: 'create-volset', name: 'v', creator: 'c' } as const;
    assert.throws(() => meta.commit(STORE_STATE, [edit]), { code: 'protocol' });
    assert.throws(() => meta.setBlobs(STORE_STATE, []), { code: 'protocol' });
    const peer = `${'ab'.repeat(16)}.1` as never;
    assert.throws(() => meta.apply(STORE_STATE, { peer, generations: [] }), { code: 'protocol' });
    assert.deepEqual(meta.listVolsets(), []);
  });

  it('passes over one of a newer version', () => {
    assert.equal(decodeState(V, canonicalBytes({ ...plain, version: 2 })), undefined);
  });

  it('gives nothing but a state or a refusal, whatever the bytes', () => {
    const bytes = encodeState(volset) as Uint8Array;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const copy = Uint8Array.from(bytes);
        copy[at] = byte;
        try {
          const state = decodeState(V, copy);
          if (state !== undefined) assert.deepEqual(decodeState(V, encodeState(state) as Uint8Array), state);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'protocol');
        }
      }),
    );
  });
});
