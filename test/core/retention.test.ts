import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SnapshotId } from '../../src/core/ids.ts';
import { type Aged, isRetention, keptBy, type Retention } from '../../src/core/retention.ts';
import { seeded } from '../support/seed.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-03-15T12:00:00Z');

const at = (when: string, tag: string | null = null): Aged => ({
  id: when as SnapshotId,
  created: Date.parse(when),
  tag,
});
/** Newest first. */
const LINE = [
  at('2026-03-15T11:00:00Z'),
  at('2026-03-15T00:00:00Z'),
  at('2026-03-14T23:59:59Z'),
  at('2026-03-14T01:00:00Z', 'release'),
  at('2026-03-09T00:00:00Z'),
  at('2026-03-08T23:00:00Z'),
  at('2026-02-28T23:59:59Z'),
  at('2025-12-31T23:59:59Z', 'audit'),
  at('2025-12-01T00:00:00Z'),
];
const kept = (rules: Retention, lines: Aged[][] = [LINE], loose: Aged[] = []): number[] => {
  const ids = keptBy({ lines, loose }, rules, NOW);
  return [...lines.flat(), ...loose].flatMap(({ id }, i) => (ids.has(id) ? [i] : []));
};

describe('retention', () => {
  const CASES: [string, Retention, number[]][] = [
    ['the last', { last: 2 }, [0, 1]],
    ['more than there are', { last: 99 }, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
    ['days that have one, the newest of each, in UTC', { daily: 3 }, [0, 2, 4]],
    ['weeks from Monday', { weekly: 3 }, [0, 5, 6]],
    ['months', { monthly: 2 }, [0, 6]],
    ['months over a year', { monthly: 9 }, [0, 6, 7]],
    ['within, to the millisecond', { within: 35 * HOUR }, [0, 1, 2]],
    ['within a bit more', { within: 35 * HOUR + 1 }, [0, 1, 2, 3]],
    ['a tag', { tags: ['release'] }, [3]],
    ['tags', { tags: ['release', 'audit'] }, [3, 7]],
    ['what any rule keeps', { last: 1, monthly: 2, tags: ['audit'] }, [0, 6, 7]],
    ['nothing without a rule', {}, []],
  ];
  for (const [what, rules, expected] of CASES) it(`keeps ${what}`, () => assert.deepEqual(kept(rules), expected));

  it('counts each line by itself, and what lies on no line by age and tag alone', () => {
    const side = [at('2025-11-05T00:00:00Z'), at('2025-11-04T00:00:00Z')];
    const loose = [at('2026-03-15T10:00:00Z'), at('2025-01-01T00:00:00Z', 'audit'), at('2025-01-02T00:00:00Z')];
    assert.deepEqual(kept({ last: 1, within: 3 * HOUR, tags: ['audit'] }, [LINE, side], loose), [0, 7, 9, 11, 12]);
  });

  it('keeps what is shared for whichever line keeps it', () => {
    const [tip, shared] = [LINE[0], LINE[4]];
    assert.deepEqual(keptBy({ lines: [[tip, shared], [shared]] }, { last: 1 }, NOW), new Set([tip.id, shared.id]));
  });

  it('takes the order of history where clocks lied: a newer one with an old date is the newest all the same', () => {
    assert.deepEqual(kept({ last: 1 }, [[at('2001-01-01T00:00:00Z'), ...LINE]]), [0]);
    assert.deepEqual(kept({ daily: 1 }, [[at('2001-01-01T00:00:00Z'), ...LINE]]), [0]);
  });

  it('knows when there are no rules', () => {
    assert.deepEqual(
      [{}, { tags: [] }, { last: undefined }, { last: 1 }, { within: 0 }, { tags: ['x'] }].map(isRetention),
      [false, false, false, true, true, true],
    );
  });

  const count = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined });
  const rulesOf = fc.record({
    last: count,
    daily: count,
    weekly: count,
    monthly: count,
    within: fc.option(fc.integer({ min: 0, max: 90 * DAY }), { nil: undefined }),
    tags: fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }),
  });
  const lineOf = fc
    .array(fc.record({ ago: fc.integer({ min: -DAY, max: 200 * DAY }), tag: fc.constantFrom(null, 'a', 'b') }), {
      maxLength: 40,
    })
    .map((rows) => rows.map(({ ago, tag }, i): Aged => ({ id: `${i}` as SnapshotId, created: NOW - ago, tag })));

  it('is the union of its rules, each of which keeps at most what it says and the newest if it counts', () => {
    fc.assert(
      fc.property(rulesOf, lineOf, (rules, line) => {
        const all = keptBy({ lines: [line] }, rules, NOW);
        const parts = Object.entries(rules).map(([name, value]) => keptBy({ lines: [line] }, { [name]: value }, NOW));
        assert.deepEqual(all, new Set(line.map(({ id }) => id).filter((id) => parts.some((part) => part.has(id)))));
        for (const name of ['last', 'daily', 'weekly', 'monthly'] as const) {
          const n = rules[name];
          const part = keptBy({ lines: [line] }, { [name]: n }, NOW);
          if (n === undefined) assert.equal(part.size, 0);
          else assert.ok(part.size <= n && (line.length === 0 || part.has(line[0].id)));
        }
      }),
      seeded(200),
    );
  });

  it('keeps at least what a stricter one keeps', () => {
    fc.assert(
      fc.property(lineOf, fc.integer({ min: 1, max: 9 }), (line, n) => {
        for (const name of ['last', 'daily', 'weekly', 'monthly']) {
          const wider = keptBy({ lines: [line] }, { [name]: n + 1 }, NOW);
          for (const id of keptBy({ lines: [line] }, { [name]: n }, NOW)) assert.ok(wider.has(id));
        }
      }),
      seeded(200),
    );
  });
});
