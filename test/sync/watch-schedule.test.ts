import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SnapshotId } from '../../src/core/ids.ts';
import { Schedule } from '../../src/sync/watch/schedule.ts';
import { ToldProblems } from '../../src/sync/watch/told.ts';

const periods = { quietMs: 10, maxDelayMs: 100, rescanMs: 1000 };

/** Begun and ended at once. */
const looked = (schedule: Schedule, now: number): void => {
  schedule.begin(now);
  schedule.ended(now);
};

describe('when a watcher looks', () => {
  const rows: { what: string; story: (schedule: Schedule) => void; due: number }[] = [
    { what: 'at once when it starts', story: () => {}, due: 0 },
    { what: 'without a reason after the rescan period', story: (s) => looked(s, 5), due: 1005 },
    {
      what: 'when all has been quiet after a change',
      story: (s) => {
        looked(s, 0);
        s.changed(50);
        s.changed(55);
      },
      due: 65,
    },
    {
      what: 'when the first change is as old as can be',
      story: (s) => {
        looked(s, 0);
        for (let t = 50; t <= 145; t += 5) s.changed(t);
      },
      due: 150,
    },
    {
      what: 'again for a change that came while it looked',
      story: (s) => {
        s.begin(0);
        s.changed(3);
        s.ended(5);
      },
      due: 13,
    },
    {
      what: 'for at most half of the time',
      story: (s) => {
        s.begin(0);
        s.changed(1);
        s.ended(400);
      },
      due: 800,
    },
    {
      what: 'after a few seconds where a look takes long',
      story: (s) => {
        s.begin(0);
        s.changed(1);
        s.ended(60_000);
      },
      due: 65_000,
    },
    {
      what: 'later after a failure, with the change as old as it was',
      story: (s) => {
        looked(s, 0);
        s.changed(50);
        s.begin(60);
        s.failed(61, { afterMs: 500 });
      },
      due: 561,
    },
    {
      what: 'at once after a failure whose time has come, however much changes',
      story: (s) => {
        looked(s, 0);
        s.changed(50);
        s.begin(60);
        s.failed(61, { afterMs: 5 });
        s.changed(149);
      },
      due: 66,
    },
    {
      what: 'again after a failure without a change',
      story: (s) => {
        s.begin(0);
        s.failed(1, { afterMs: 30 });
      },
      due: 31,
    },
    {
      what: 'within the longest delay where not all is watched',
      story: (s) => {
        s.begin(0);
        s.ended(1, { blind: true });
      },
      due: 101,
    },
    {
      what: 'less often where not all is watched and a look takes long',
      story: (s) => {
        s.begin(0);
        s.ended(50, { blind: true });
      },
      due: 550,
    },
    {
      what: 'again within the longest delay for what it could not read',
      story: (s) => {
        looked(s, 0);
        s.unfinished(0);
      },
      due: 100,
    },
  ];
  for (const { what, story, due } of rows) {
    it(what, () => {
      const schedule = new Schedule(periods, 0);
      story(schedule);
      assert.equal(schedule.due(), due);
    });
  }

  it('says of the first unsaved change only that it is one', () => {
    const schedule = new Schedule(periods, 0);
    assert.deepEqual([schedule.changed(1), schedule.changed(2)], [true, false]);
    schedule.begin(20);
    assert.equal(schedule.changed(21), true);
    schedule.failed(22, { afterMs: 1 });
    assert.equal(schedule.changed(23), false);
    schedule.begin(30);
    schedule.failed(31, { afterMs: 1 });
    assert.equal(schedule.changed(32), false, 'it was unsaved before');
    looked(schedule, 40);
    assert.equal(schedule.changed(41), true);
  });

  it('lets no change wait longer than the longest delay, and looks no earlier than needed', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('change' as const), after: fc.nat(20) }),
      fc.record({ kind: fc.constant('fail' as const), after: fc.nat(20) }),
      fc.record({ kind: fc.constant('wait' as const), after: fc.nat(200) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const schedule = new Schedule(periods, 0);
        let [now, fails, unsaved] = [0, false, undefined as number | undefined];
        /** Looks that become due until `end`; each takes no time. */
        const runTo = (end: number): void => {
          for (let due = Math.max(now, schedule.due()); due <= end; due = Math.max(now, schedule.due())) {
            now = due;
            schedule.begin(now);
            if (fails) schedule.failed(now, { afterMs: 7 });
            else {
              if (unsaved !== undefined) assert.ok(now - unsaved <= periods.maxDelayMs + 7, `waited ${now - unsaved}`);
              unsaved = undefined;
              schedule.ended(now);
            }
            fails = false;
          }
          now = end;
        };
        for (const { kind, after } of steps) {
          runTo(now + after);
          if (kind === 'fail') fails = true;
          if (kind !== 'change') continue;
          schedule.changed(now);
          unsaved ??= now;
        }
        runTo(now + 2000);
        assert.equal(unsaved, undefined);
      }),
    );
  });
});

describe('what a watcher has told', () => {
  const row = (path: string, what = 'unreadable') => ({ path, what, message: path });

  it('is not told again until it has been well in between', () => {
    const told = new ToldProblems();
    assert.equal(told.news([row('a'), row('b')]).rows.length, 2);
    assert.deepEqual(told.news([row('a'), row('b'), row('a', 'changed-while-read')]).rows.length, 1);
    assert.equal(told.news([row('b')]).rows.length, 0);
    assert.deepEqual(told.news([row('a'), row('b')]).rows, [row('a')]);
  });

  it('of one snapshot or branch says nothing of another', () => {
    const told = new ToldProblems();
    const declined = (snapshot: string) => ({
      what: 'declined',
      message: 'no space',
      snapshot: snapshot as SnapshotId,
    });
    const kept = (branch: string) => ({ what: 'held', message: 'guarded', branch });
    assert.equal(told.news([declined('1'), declined('2'), kept('main')]).rows.length, 3);
    assert.deepEqual(told.news([declined('2'), declined('3'), kept('main'), kept('other')]).rows, [
      declined('3'),
      kept('other'),
    ]);
  });

  it('is counted where it is too much to be told', () => {
    const told = new ToldProblems();
    const many = Array.from({ length: 10_500 }, (_, i) => row(`${i}`));
    const first = told.news(many);
    assert.deepEqual([first.rows.length, first.more], [100, 10_400]);
    const second = told.news(many);
    assert.deepEqual([second.rows.length, second.more], [0, 0]);
  });

  it('is news where it differs from what was said last', () => {
    const told = new ToldProblems();
    const says = (text: string | undefined) => told.isNews('push', text);
    assert.deepEqual(
      [says(undefined), says('a'), says('a'), says('b'), says(undefined), says('b')],
      [false, true, false, true, false, true],
    );
  });
});
