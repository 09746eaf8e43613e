import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ErrorCode } from '../../src/core/errors.ts';
import {
  type Action,
  beginFollow,
  decide,
  type FollowInput,
  type FollowSetup,
  type FollowState,
  type Left,
  type Marker,
  standingOf,
  take,
} from '../../src/core/follow.ts';
import type { StoreId } from '../../src/core/ids.ts';

const STORE = `${'ab'.repeat(16)}.1` as StoreId;
const NEXT_EPOCH = `${'ab'.repeat(16)}.2` as StoreId;
const NONE: Left = { lacking: false, held: false };
const at = (revision: number, store = STORE): Marker => ({ store, revision });
const failure = (code: ErrorCode) => ({ code, message: code });

/** Carries out what the machine says, on a clock of its own. */
class Run {
  now = 0;
  state: FollowState;
  readonly done: Action['do'][] = [];
  /** When the remote was tried. */
  readonly attempts: number[] = [];
  readonly #random: () => number;

  constructor(marker: Marker | null, setup: Partial<FollowSetup> = {}, random: () => number = () => 0) {
    this.state = beginFollow(marker, { once: false, ...setup });
    this.#random = random;
  }

  /** The next action that is not waiting for the clock; waits for it. Undefined: waits for an input. */
  next(): Action | undefined {
    for (;;) {
      const { state, action } = decide(this.state, this.now);
      this.state = state;
      if (action.do !== 'wait') {
        this.done.push(action.do);
        if (action.do === 'open') this.attempts.push(this.now);
        return action;
      }
      if (action.until === null) return undefined;
      assert.ok(action.until > this.now, 'waits for the past');
      this.now = action.until;
    }
  }

  take(...inputs: FollowInput[]): this {
    for (const input of inputs) this.state = take(this.state, input, this.now, this.#random);
    return this;
  }

  opened(after: number, head = after, store = STORE): this {
    return this.take({ input: 'opened', store, after, head });
  }

  applied(revision: number, left = NONE, store = STORE): this {
    return this.take({ input: 'applied', store, revision, left });
  }

  failed(code: ErrorCode, of: 'feed' | 'work' = 'work'): this {
    return this.take({ input: 'failed', of, error: failure(code) });
  }

  refused(code: ErrorCode): this {
    return this.take({ input: 'refused', error: failure(code) });
  }

  get status() {
    return standingOf(this.state).status;
  }

  /** In sync at `revision`, behind a feed that is open. */
  static inSync(revision: number, setup: Partial<FollowSetup> = {}): Run {
    const run = new Run(at(revision), setup);
    run.next();
    run.opened(revision);
    return run;
  }
}

describe('core/follow', () => {
  it('first contact: the feed from now on, then a state that reaches its head, then what came', () => {
    const run = new Run(null);
    assert.equal(run.status, 'waiting');
    assert.deepEqual(run.next(), { do: 'open' });
    run.opened(7);
    assert.equal(run.status, 'resync');
    assert.deepEqual(run.next(), { do: 'state', min: 7 });
    run.take({ input: 'batch', revision: 9, blobs: 0 });
    assert.equal(run.next(), undefined);
    run.applied(8);
    assert.deepEqual([run.status, standingOf(run.state).revision], ['in-sync', 8]);
    assert.deepEqual(run.next(), { do: 'apply', retry: false });
    // What is being applied makes nothing false that was said.
    assert.deepEqual([run.status, standingOf(run.state).revision], ['in-sync', 8]);
    assert.deepEqual([run.applied(9).next(), standingOf(run.state).revision], [undefined, 9]);
  });

  it('a marker is resumed at, without a state, and is in sync once the head is reached', () => {
    const run = new Run(at(5));
    assert.deepEqual(run.next(), { do: 'open', after: at(5) });
    run.opened(5, 8);
    assert.deepEqual([run.next(), run.status], [undefined, 'resync']);
    run.take({ input: 'batch', revision: 6, blobs: 0 }).next();
    assert.equal(run.applied(6).status, 'resync');
    run.take({ input: 'batch', revision: 8, blobs: 0 }).next();
    assert.equal(run.applied(8).status, 'in-sync');
    assert.deepEqual(run.done, ['open', 'apply', 'apply']);
  });

  it('a state that does not reach the head is none', () => {
    const run = new Run(null);
    run.next();
    run.opened(7).next();
    assert.equal(run.applied(6).status, 'waiting');
    assert.equal(standingOf(run.state).reason?.code, 'behind');
  });

  for (const code of ['compacted', 'ahead', 'identity'] as const) {
    it(`${code}: opened from now on, with a state, and resumed from there`, () => {
      const run = new Run(at(5));
      run.next();
      assert.deepEqual(run.refused(code).next(), { do: 'open' });
      assert.deepEqual(run.opened(9, 9, NEXT_EPOCH).next(), { do: 'state', min: 9 });
      assert.equal(run.applied(9, NONE, NEXT_EPOCH).status, 'in-sync');
      run.failed('network', 'feed');
      assert.deepEqual(run.next(), { do: 'open', after: at(9, NEXT_EPOCH) });
    });
  }

  it('another store ends it', () => {
    const run = new Run(at(5));
    run.next();
    run.refused('identity').next();
    assert.deepEqual(run.refused('identity').next(), { do: 'stop', error: failure('identity') });
  });

  const ends: ErrorCode[] = ['rollback', 'usage', 'forbidden', 'unauthorized', 'format', 'not-found', 'exists'];
  for (const code of ends) {
    it(`${code} of a session ends it`, () => {
      const run = Run.inSync(5).take({ input: 'local', owes: true });
      run.next();
      assert.deepEqual(run.failed(code).next(), { do: 'stop', error: failure(code) });
    });
  }

  it('a volset that is not there is made by a session before the feed is opened', () => {
    const run = new Run(null);
    run.next();
    assert.deepEqual(run.refused('not-found').next(), { do: 'state', min: 0 });
    assert.deepEqual(run.applied(3).next(), { do: 'open', after: at(3) });
    run.opened(3);
    assert.equal(run.status, 'in-sync');
  });

  it('a hub that goes away before the volset is made there is tried ever later, and five times with once', () => {
    const run = new Run(null);
    run.next();
    run.refused('not-found');
    const tries = Array.from({ length: 8 }, () => {
      assert.equal(run.next()?.do, 'state');
      run.failed('network');
      return run.now;
    });
    assert.ok(tries[7] - tries[6] >= 15_000, `${tries}`);
    const once = new Run(null, { once: true });
    once.next();
    once.refused('not-found');
    while (once.next()?.do === 'state' && once.done.length < 20) once.failed('network');
    assert.deepEqual(once.state.ended, { error: failure('network') });
  });

  it('a feed that tells what sessions do not find is given up, and not asked about as fast as it answers', () => {
    const run = Run.inSync(5);
    for (let round = 0; run.state.feed === 'open'; round++) {
      assert.ok(round < 2, 'goes on');
      run.take({ input: 'batch', revision: 9, blobs: 0 });
      assert.equal(run.next()?.do, 'apply');
      run.take({ input: 'unfit' });
      if (run.state.feed !== 'open') break;
      assert.equal(run.next()?.do, 'state');
      run.applied(7);
    }
    assert.equal(run.state.strikes, 1);
    const found = Run.inSync(5);
    for (const revision of [6, 7, 8]) {
      found.take({ input: 'batch', revision, blobs: 0 }).next();
      found.take({ input: 'unfit' }).next();
      found.applied(revision);
    }
    assert.equal(found.status, 'in-sync');
  });

  it('ours that failed to be sent is sent after the next connection', () => {
    const run = Run.inSync(5).take({ input: 'local', owes: true });
    assert.equal(run.next()?.do, 'state');
    run.failed('network');
    assert.deepEqual([run.next()?.do, run.opened(5).next()?.do, run.applied(6).status], ['open', 'state', 'in-sync']);
  });

  it('a feed that ends while a round runs: the round counts, and is one failure at most', () => {
    const run = Run.inSync(5).take({ input: 'local', owes: true });
    run.next();
    run.failed('network', 'feed');
    assert.deepEqual([run.next(), run.status], [undefined, 'resync']);
    const { notBefore } = run.failed('network').state;
    assert.equal(run.state.failures, 1);
    assert.ok(notBefore <= 250);
    assert.deepEqual(run.next(), { do: 'open', after: at(5) });
  });

  it('failures that nothing explains: five at one point, then a new state, then the end', () => {
    const run = new Run(at(5));
    const asked: (number | undefined)[] = [];
    let last: Action | undefined;
    for (let n = 0; n < 30 && last?.do !== 'stop'; n++) {
      last = run.next();
      if (last?.do === 'open') {
        asked.push(last.after?.revision);
        run.refused('integrity');
      }
    }
    assert.deepEqual(asked, [5, 5, 5, 5, 5, undefined, undefined, undefined, undefined, undefined]);
    assert.deepEqual(last, { do: 'stop', error: failure('integrity') });
  });

  it('what only somebody else can change is waited for longer', () => {
    for (const code of ['guard', 'no-space', 'quota'] as const) {
      const run = Run.inSync(5).take({ input: 'batch', revision: 6, blobs: 0 });
      run.next();
      run.failed(code);
      assert.equal(standingOf(run.state).retryAt, 15_000);
      assert.deepEqual(run.next(), { do: 'open', after: at(5) });
      const once = Run.inSync(5, { once: true }).take({ input: 'batch', revision: 6, blobs: 0 });
      once.next();
      assert.deepEqual(once.failed(code).next(), { do: 'stop', error: failure(code) });
    }
  });

  it('what is left is tried again: later, after a change here, and when the remote holds more data', () => {
    const lacking = { lacking: true, held: false };
    const run = Run.inSync(5).take({ input: 'batch', revision: 6, blobs: 1 });
    run.next();
    run.applied(6, lacking);
    assert.equal(run.status, 'resync');
    assert.deepEqual([run.next(), run.now], [{ do: 'apply', retry: true }, 15_000]);
    run.applied(6, lacking).take({ input: 'batch', revision: 6, blobs: 1 });
    run.take({ input: 'batch', revision: 6, blobs: 2 });
    assert.deepEqual([run.next(), run.now], [{ do: 'apply', retry: true }, 15_000]);
    run.applied(6, lacking).take({ input: 'local', owes: false });
    assert.deepEqual([run.next(), run.now], [{ do: 'apply', retry: true }, 15_000]);
    assert.equal(run.applied(6).status, 'in-sync');
    assert.equal(run.next(), undefined);
  });

  it('once: ends in sync, with what is left undone, or with the fifth failure', () => {
    assert.deepEqual(Run.inSync(5, { once: true }).next(), { do: 'stop' });
    const owing = Run.inSync(5, { once: true }).take({ input: 'local', owes: true });
    assert.deepEqual([owing.next()?.do, owing.applied(6, { lacking: true, held: true }).next()?.do], ['state', 'stop']);
    const away = new Run(at(5), { once: true });
    let last: Action | undefined;
    while (last?.do !== 'stop') {
      last = away.next();
      if (last?.do === 'open') away.refused('network');
    }
    assert.deepEqual([away.attempts.length, last.error?.code], [5, 'network']);
  });

  it('never more than two attempts a second, and 30 s apart at most, whatever fails', () => {
    const codes: ErrorCode[] = ['network', 'busy', 'compacted', 'identity', 'ahead', 'behind', 'protocol', 'deadline'];
    const step = fc.record({
      code: fc.constantFrom(...codes),
      opens: fc.boolean(),
      lasts: fc.nat(100_000),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let random = 0;
        const run = new Run(at(5), {}, () => random);
        for (const { code, opens, lasts, random: drawn } of steps) {
          random = drawn;
          const action = run.next();
          if (action === undefined || action.do === 'stop') break;
          if (action.do === 'open' && opens) {
            run.opened(action.after?.revision ?? 9);
            run.now += lasts;
            run.failed(code, 'feed');
          } else if (action.do === 'open') run.refused(code);
          else run.failed(code);
        }
        for (const [i, time] of run.attempts.entries()) {
          assert.ok(i < 1 || time - run.attempts[i - 1] >= 500);
          assert.ok(i < 1 || time - run.attempts[i - 1] <= 100_000 + 30_000);
        }
      }),
    );
  });

  it('heads: nothing to resume, in sync behind the first mark', () => {
    const run = new Run(null, { levels: true });
    assert.deepEqual(run.next(), { do: 'open' });
    run.opened(0, 1);
    assert.deepEqual([run.next(), run.status], [undefined, 'resync']);
    run.take({ input: 'batch', revision: 3, blobs: 0 }).next();
    assert.equal(run.applied(3).status, 'in-sync');
    run.failed('network', 'feed');
    assert.deepEqual(run.next(), { do: 'open' });
    assert.equal(run.opened(3, 4).status, 'resync');
  });
});
