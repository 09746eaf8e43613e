/**
 * Defences of the replication, each with the change that takes it away. test/soak/defences.test.ts makes these changes,
 * one at a time, in a copy of the sources and expects the simulation to notice; the results stand in docs/testing.md.
 */
export interface Change {
  /** Below src. */
  file: string;
  /** Stands there exactly once. */
  find: string;
  replace: string;
}

export interface Defence {
  name: string;
  /** Flavour of the simulation that is to notice. */
  flavour: string;
  changes: Change[];
}

const one = (name: string, flavour: string, file: string, find: string, replace: string): Defence => ({
  name,
  flavour,
  changes: [{ file, find, replace }],
});

const PLAIN = 'edits and syncs';
const FAULTS = 'crashes, lost answers, wrong clocks';
const COPIES = 'backups put back, copies side by side';
const SHRINK = 'compaction and throw-away stores';
const DELETIONS = 'volsets deleted';

export const DEFENCES: Defence[] = [
  one(
    'the head is the largest (stamp, id), not what came last',
    PLAIN,
    'meta/sqlite/heads.ts',
    'const isShown = shown === undefined || byStampAndId(write, shown) > 0;',
    'const isShown = true;',
  ),
  one(
    'an edit follows every rival that is known',
    PLAIN,
    'meta/sqlite/writer.ts',
    'const parents = heads.map(({ id }) => id).sort();',
    'const parents: WriteId[] = [];',
  ),
  one(
    'stamps are above those of what they follow',
    FAULTS,
    'meta/sqlite/writer.ts',
    'const stamps = above.map(({ stamp }) => stamp);',
    'const stamps = above.slice(0, 0).map(({ stamp }) => stamp);',
  ),
  {
    name: 'a stream has no gaps',
    flavour: PLAIN,
    changes: [
      {
        file: 'core/generation.ts',
        find: 'if (generation > 1 && !this.holds(store, generation - 1, previous)) gap(store, generation, previous);',
        replace: '',
      },
      {
        file: 'core/chain.ts',
        find: 'if (parent === undefined) return gap(store, generation, previous);',
        replace: 'if (parent === undefined) return { chain: store };',
      },
      {
        file: 'meta/sqlite/intake.ts',
        find: '?? unknownParent(this.#volset, id);',
        replace: "?? ({ type: 'past', parents: [], stamp: '' } as unknown as LoggedRecord);",
      },
    ],
  },
  one(
    'a generation is what its hash says',
    PLAIN,
    'core/generation.ts',
    'if (generationHashOf(volset, header, hashes) !== header.hash) {',
    'if (header.count < 0) {',
  ),
  one(
    'what a record refers to is known',
    PLAIN,
    'meta/sqlite/intake.ts',
    'return findRecord(this.#engine, this.#n, id) ?? unknownParent(this.#volset, id);',
    "return findRecord(this.#engine, this.#n, id) ?? ({ type: 'past', parents: [], stamp: '' } as unknown as LoggedRecord);",
  ),
  one(
    'a tombstone deletes only what its author saw',
    PLAIN,
    'core/liveness.ts',
    'return heads.filter((id) => !isSeen(id));',
    'return heads.filter((id) => !isSeen(id)).slice(0, 0);',
  ),
  one(
    'a branch with snapshots that nobody who deleted it saw is kept',
    PLAIN,
    'meta/sqlite/deletions.ts',
    'return hasUnseenTip(this.#engine, this.#volset, this.#n, parsed.id, tips.get(parsed.id));',
    'return this.#n < 0 && hasUnseenTip(this.#engine, this.#volset, this.#n, parsed.id, tips.get(parsed.id));',
  ),
  one(
    'a branch that lives keeps its volset',
    DELETIONS,
    'meta/sqlite/deletions.ts',
    "if (object !== 'volset') this.touch('volset');",
    '',
  ),
  one(
    'a branch that is kept though somebody deleted it stands in a conflict record',
    PLAIN,
    'meta/sqlite/deletions.ts',
    'if (conflict) conflicts.push(conflict);',
    '',
  ),
  one(
    'what does not show stands in a conflict record',
    PLAIN,
    'meta/sqlite/decide.ts',
    'if (rivals.length === 0) return;',
    'if (rivals.length >= 0) return;',
  ),
  one(
    'who lost a decision of others hears of it',
    PLAIN,
    'meta/sqlite/decide.ts',
    'for (const join of touched.joins) this.#recordJoined(touched, join);',
    '',
  ),
  one(
    'whose value an edit passed over hears of it',
    PLAIN,
    'meta/sqlite/intake.ts',
    'if (write.parents.length > 1) touched.joins.push(known);',
    'if (write.resolution) touched.joins.push(known);',
  ),
  one(
    'a decision is in a closed generation when it is made',
    PLAIN,
    'meta/sqlite/apply.ts',
    'if (outcome.written > 0) closeOpen(engine, volset, n);',
    '',
  ),
  one(
    'two stores that decide alike make the same write',
    PLAIN,
    'core/records.ts',
    "if ((record.type !== 'write' && record.type !== 'past') || !record.resolution) return recordHash(record);",
    "if (record.type !== 'past' || !record.resolution) return recordHash(record);",
  ),
  one(
    'two stores that keep a deleted branch make the same write',
    PLAIN,
    'meta/sqlite/writer.ts',
    'stamp: stampAfter(stamp), author };',
    'stamp: stampAfter(stamp), author: this.#author };',
  ),
  one(
    'a record that comes in a second generation is taken once',
    COPIES,
    'meta/sqlite/apply.ts',
    'const isNew = !isLogged(engine, n, id);',
    'const isNew = true;',
  ),
  one(
    'a generation that is held is not taken again',
    PLAIN,
    'core/generation.ts',
    'if (this.holds(store, generation, hash)) return false;',
    '',
  ),
  one('a dry run is undone', PLAIN, 'meta/sqlite/apply.ts', 'if (round.dryRun) throw new RolledBack(applied);', ''),
  one(
    'refs into the open generation are not told',
    PLAIN,
    'meta/sqlite/revisions.ts',
    'hasOpen(engine, n) ? nextWaiting(engine, n) : takeRevisions(engine, n, 1)',
    'takeRevisions(engine, n, 1)',
  ),
  {
    name: 'a ref is moved from where its mover saw it',
    flavour: FAULTS,
    changes: [
      { file: 'meta/sqlite/refs.ts', find: 'if (tip !== from) {', replace: "if (tip === 'x') {" },
      {
        file: 'meta/sqlite/refs.ts',
        find: 'const moved = moves.every(({ branch, from }) => ownTip(engine, n, branch) === from);',
        replace: 'const moved = moves.length > 0;',
      },
    ],
  },
  one(
    'a ref moves only to data that is here',
    PLAIN,
    'meta/sqlite/refs.ts',
    'if (hasBlob(engine, n, to)) return;',
    'if (n > 0) return;',
  ),
  one(
    'what a peer holds is what it acknowledged',
    FAULTS,
    'sync/replicate.ts',
    'progress.acknowledged = session.staged.vector;',
    'progress.acknowledged = engine.meta.vector(session.volset);',
  ),
  one(
    'a remote that went back is noticed',
    COPIES,
    'sync/session.ts',
    'if (lost === 0 && !tips) return undefined;',
    'if (lost >= 0 || !tips) return undefined;',
  ),
  one(
    'a copied store goes on under another name',
    COPIES,
    'meta/sqlite/identity.ts',
    "const [inode, birth] = [getSelf(db, 'inode'), getSelf(db, 'birth')];",
    'const [inode, birth] = [place.inode, place.birth];',
  ),
  one(
    'own generations from elsewhere begin a new epoch',
    COPIES,
    'meta/sqlite/apply.ts',
    'if (fresh.some(({ store }) => store === engine.self.store)) nextEpoch(engine);',
    'void nextEpoch;',
  ),
  one(
    'chains behind a fork are called alike everywhere',
    COPIES,
    'core/chain.ts',
    'const rest = forkId(store, this.#hashAt(chain, after + 1));',
    'const rest = forkId(store, segment.hash);',
  ),
  one(
    'compaction waits for every member',
    SHRINK,
    'meta/sqlite/compact.ts',
    'for (const { held } of heldByMembers(engine, n)) {',
    'for (const { held } of heldByMembers(engine, n).slice(0, 0)) {',
  ),
  {
    name: 'compaction leaves what nobody followed',
    flavour: SHRINK,
    changes: [
      {
        file: 'meta/sqlite/compact.ts',
        find: 'import { type LoggedRecord, pastOf, type Vector }',
        replace: 'import { type LoggedRecord, pastOf, recordId, type Vector }',
      },
      {
        file: 'meta/sqlite/compact.ts',
        find: 'for (const parent of record.parents) {',
        replace: 'for (const parent of [...record.parents, recordId(record) as WriteId]) {',
      },
    ],
  },
  one(
    'what was dropped keeps what it followed',
    SHRINK,
    'meta/sqlite/compact.ts',
    'const past = canonicalText(pastOf(record));',
    'const past = canonicalText({ ...pastOf(record), parents: [] });',
  ),
  one(
    'nobody says of what nothing follows that it was dropped',
    PLAIN,
    'meta/sqlite/intake.ts',
    'if (how.policy !== undefined && this.#unfollowedPast.size > 0)\n',
    'if (how.policy !== undefined && this.#unfollowedPast.size < 0)\n',
  ),
  one(
    'records that were handed over are logged once',
    SHRINK,
    'meta/sqlite/hand-over.ts',
    'if (findRecord(engine, n, id) !== undefined) continue;',
    '',
  ),
  one(
    'a throw-away store forgets what was logged for it',
    SHRINK,
    'meta/sqlite/apply.ts',
    'dropLogged(engine, n);',
    'void dropLogged;',
  ),
];
