import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type Document, Lab } from './helpers/lab.ts';
import { assertQuiet, byId, conflictRow, onStore } from './helpers/stores.ts';

/** Values of target, current and initial (- = none) before; of target and current after a sync, two-way and one-way. */
interface Row {
  before: string;
  twoWay: string;
  oneWay: string;
  /** Everywhere, after a two-way sync that follows. */
  later: string;
  isConflict: boolean;
}

const TABLE: Row[] = [
  { before: 'A/A/A', twoWay: 'A/A', oneWay: 'A/A', later: 'A', isConflict: false },
  { before: 'A/B/A', twoWay: 'B/B', oneWay: 'A/B', later: 'B', isConflict: false },
  { before: 'B/A/A', twoWay: 'B/B', oneWay: 'B/B', later: 'B', isConflict: false },
  { before: 'B/B/A', twoWay: 'B/B', oneWay: 'B/B', later: 'B', isConflict: false },
  { before: 'B/C/A', twoWay: 'B/B', oneWay: 'B/B', later: 'B', isConflict: true },
  { before: 'B/B/-', twoWay: 'B/B', oneWay: 'B/B', later: 'B', isConflict: false },
  { before: 'B/C/-', twoWay: 'B/B', oneWay: 'B/B', later: 'B', isConflict: true },
];

/** What is reconciled, each for itself. Those that always have a value stay at A where the initial value is none. */
const FIELDS = ['volset name', 'volset description', 'volset attr:k', 'branch name', 'snapshot name'] as const;
const ALWAYS: readonly string[] = ['volset name', 'branch name'];
type Values = Record<(typeof FIELDS)[number], string | null>;

describe('e2e: target/current/initial of every kind of field', function () {
  this.timeout(60_000);
  interface Scene {
    lab: Lab;
    /** Of the one snapshot. */
    tip: string;
  }

  /** What the letters of one side stand for. */
  const valuesOf = (letter: string, initial: string): Values =>
    Object.fromEntries(
      FIELDS.map((field) => {
        if (initial === '-' && ALWAYS.includes(field)) return [field, 'A'];
        return [field, letter === '-' ? null : letter];
      }),
    ) as Values;

  const read = async ({ lab, tip }: Scene, store: string): Promise<Values> => {
    const [{ volsets }, { snapshots }] = await Promise.all([
      onStore(lab, store, ['volset', 'list']),
      onStore(lab, store, ['log']),
    ]);
    assert.deepEqual([volsets.length, snapshots.length, snapshots[0].snapshot], [1, 1, tip]);
    return {
      'volset name': volsets[0].name,
      'volset description': volsets[0].description,
      'volset attr:k': volsets[0].attrs.k ?? null,
      'branch name': snapshots[0].branches.filter((name: string) => !name.includes('/')).join(),
      'snapshot name': snapshots[0].name,
    };
  };
  const assertSides = async (scene: Scene, letters: string, initial: string) => {
    const [target, current] = letters.split('/').map((letter) => valuesOf(letter, initial));
    const [there, here] = await Promise.all(['hub', 'work'].map((store) => read(scene, store)));
    assert.deepEqual({ target: there, current: here }, { target, current });
  };
  /** One record for each conflict, the same on both sides. */
  const assertRecords = async ({ lab }: Scene, count: number) => {
    const lists = ['hub', 'work'].map((name) => onStore(lab, name, ['conflicts', 'list', '--all']));
    const [there, here] = (await Promise.all(lists)).map(({ conflicts }) => conflicts.map(conflictRow).sort(byId));
    assert.deepEqual([there.length, there], [count, here]);
  };

  async function edit({ lab, tip }: Scene, store: string, { 'volset name': name, ...values }: Values): Promise<void> {
    const described = ['--description', values['volset description'] ?? '', '--attr', `k=${values['volset attr:k']}`];
    await Promise.all([
      onStore(lab, store, ['update', '--name', name as string, ...described]),
      onStore(lab, store, ['update', 'branch:A', '--name', values['branch name'] as string]),
      onStore(lab, store, ['update', `snapshot:${tip}`, '--name', values['snapshot name'] ?? '']),
    ]);
  }

  /** All start from the initial values; those that differ are written at the hub and here. */
  async function arrange(lab: Lab, before: string): Promise<Scene> {
    const [target, current, initial] = before.split('/');
    const hub = await lab.hub();
    await lab.run(['init', lab.path('work'), '--volset', 'A', '--branch', 'A']);
    await lab.in('work', ['remote', 'add', 'origin', `${hub.url}/A`]);
    writeFileSync(lab.path('work', 'file'), 'x');
    const made = await lab.in('work', ['snapshot', ...(initial === '-' ? [] : ['--name', initial])]);
    const scene = { lab, tip: made.snapshot };
    if (initial !== '-') await lab.in('work', ['update', '--description', initial, '--attr', `k=${initial}`]);
    await lab.in('work', ['push']);
    await Promise.all([
      target === initial || edit(scene, 'hub', valuesOf(target, initial)),
      current === initial || edit(scene, 'work', valuesOf(current, initial)),
    ]);
    return scene;
  }

  const told = ({ conflicts }: Document) =>
    conflicts
      .map((c: Document) => [`${c.kind} ${c.field}`, c.initial, c.current, c.target, c.resolution, c.resolved])
      .sort();
  const expected = ({ before, isConflict }: Row) => {
    const [target, current, initial] = before.split('/');
    const fields = FIELDS.filter((field) => isConflict && !(initial === '-' && ALWAYS.includes(field)));
    const base = initial === '-' ? null : initial;
    return fields.map((field) => [field, base, current, target, 'target', false]).sort();
  };

  async function twoWay(row: Row, exit: number): Promise<void> {
    await using lab = new Lab();
    const { before } = row;
    const scene = await arrange(lab, before);
    const planned = await lab.in('work', ['sync', '--dry-run'], exit);
    assert.deepEqual([told(planned), planned.dryRun], [expected(row), true]);
    // It wrote nothing: the sync finds the same.
    const done = await lab.in('work', ['sync'], exit);
    assert.deepEqual([told(done), done.upToDate], [expected(row), before === 'A/A/A']);
    await assertSides(scene, row.twoWay, before.slice(4));
    await assertQuiet(lab, ['work']);
    await assertRecords(scene, expected(row).length);
  }

  async function oneWay(row: Row, exit: number): Promise<void> {
    await using lab = new Lab();
    const { before, later } = row;
    const scene = await arrange(lab, before);
    const done = await lab.in('work', ['sync', '--pull-only'], exit);
    assert.deepEqual([told(done), done.pushed.bytes], [expected(row), 0]);
    await assertSides(scene, row.oneWay, before.slice(4));
    const again = await lab.in('work', ['sync', '--pull-only']);
    assert.deepEqual([again.conflicts, again.upToDate, again.requests], [[], true, 1]);
    assert.deepEqual((await lab.in('work', ['sync'])).conflicts, []);
    await assertSides(scene, `${later}/${later}`, before.slice(4));
    await assertQuiet(lab, ['work']);
    await assertRecords(scene, expected(row).length);
  }

  for (const row of TABLE) {
    const exit = row.isConflict ? 5 : 0;
    if (row.before.endsWith('-')) it(`${row.before}: ${row.twoWay} two-way`, () => twoWay(row, exit));
    else {
      it(`${row.before}: ${row.twoWay} two-way; ${row.oneWay} one-way, and ${row.later} after it`, async () => {
        await Promise.all([twoWay(row, exit), oneWay(row, exit)]);
      });
    }
  }
});
