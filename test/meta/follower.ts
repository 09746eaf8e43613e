/** A store that follows another as a follower does: from its marker to a mark, or, where the log was compacted, anew. */
import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { Change, Mark } from '../../src/core/peer.ts';
import { recordId } from '../../src/core/records.ts';
import type { MetaStore } from '../../src/meta/index.ts';
import { generationsFor, memoryStore, roundFrom, V } from './helpers.ts';

/** All pages from `after` to the mark, with what a page must keep. `between` runs before each page but the first. */
export function readToMark(from: MetaStore, after: number, between = () => {}): { changes: Change[]; mark: Mark } {
  const changes: Change[] = [];
  for (let at = after; ; between()) {
    const page = from.changesAfter(V, at);
    for (const change of page.changes) {
      assert.ok(change.revision > at, 'revisions ascend, behind the one asked for');
      at = change.revision;
    }
    assert.equal(page.revision, at);
    changes.push(...page.changes);
    if (page.mark === undefined) continue;
    assert.ok(page.mark.revision >= at);
    return { changes, mark: page.mark };
  }
}

export class Follower {
  readonly meta = memoryStore();
  readonly source: MetaStore;
  revision = 0;
  resumed = 0;
  restarted = 0;

  constructor(source: MetaStore) {
    this.source = source;
  }

  /** To the present of the source, which must have nothing open. */
  follow(): void {
    try {
      const found = readToMark(this.source, this.revision);
      this.#assertExact(found.changes);
      this.take(found);
      this.resumed++;
    } catch (error) {
      if (!(error instanceof PlaitError) || error.code !== 'compacted') throw error;
      this.takeState();
    }
  }

  takeState(): void {
    const known = this.meta.knowsVolset(V) ? this.meta.vector(V) : {};
    const round = roundFrom(this.source, known);
    this.meta.apply(V, { ...round, policy: 'target' });
    this.revision = round.revision as number;
    this.restarted++;
  }

  take({ changes, mark }: { changes: Change[]; mark: Mark }): void {
    const generations = changes.flatMap((change) => ('generation' in change ? [change.generation] : []));
    const refs = changes.flatMap((change) => ('ref' in change ? [change.ref] : []));
    this.#assertCausal(changes);
    this.meta.apply(V, {
      peer: this.source.self.store,
      generations,
      refs,
      revision: mark.revision,
      vector: mark.vector,
      policy: 'target',
    });
    this.revision = mark.revision;
  }

  /** Where the source stands still: these are the generations that we lack. */
  #assertExact(changes: Change[]): void {
    const known = this.meta.knowsVolset(V) ? this.meta.vector(V) : {};
    const lacking = generationsFor(this.source, known).map(({ hash }) => hash);
    const told = changes.flatMap((change) => ('generation' in change ? [change.generation.hash] : []));
    assert.deepEqual(told.sort(), lacking.sort(), 'nothing lost, nothing twice');
  }

  /** No ref comes before the generation that holds its snapshot. */
  #assertCausal(changes: Change[]): void {
    const seen = new Set<string>();
    for (const change of changes) {
      if ('generation' in change) for (const record of change.generation.records) seen.add(recordId(record));
      else if (change.ref.snapshot !== null) {
        const { snapshot } = change.ref;
        assert.ok(seen.has(snapshot) || this.meta.findSnapshot(V, snapshot), 'a ref came too early');
      }
    }
  }
}
