import assert from 'node:assert/strict';
import { type Detail, FollowBoard } from '../../src/cli/render/follow.ts';
import type { FollowEvent } from '../../src/sync/follow/events.ts';
import { catchingUp, DRAFTS, followEvent, inSync, moved, waiting } from './follow-events.ts';

const lines = (events: FollowEvent[], detail: Detail = 'all', allVolsets = false): (string | undefined)[] => {
  const board = new FollowBoard(detail, allVolsets);
  return events.map((event) => board.take(event, 0));
};

const refused = 'cannot reach http://hub';
const none = { snapshots: 0, bytes: 0 };

const rows: [what: string, events: FollowEvent[], all: (string | undefined)[], news: (string | undefined)[]][] = [
  [
    'a first contact',
    [waiting(), catchingUp({ rev: null }), inSync()],
    ['origin: connecting', 'origin: catching up', 'origin: in sync at revision 41'],
    [undefined, undefined, undefined],
  ],
  [
    'a hub that is down at first',
    [waiting(), waiting(refused, 1200), waiting(refused), waiting(refused, 2500), inSync()],
    [
      'origin: connecting',
      `origin: waiting: ${refused} (next try in 1.2 s)`,
      undefined,
      undefined,
      'origin: in sync at revision 41',
    ],
    [
      undefined,
      `origin: waiting: ${refused} (next try in 1.2 s)`,
      undefined,
      undefined,
      'origin: in sync at revision 41',
    ],
  ],
  [
    'a connection lost for one reason, then for another, and regained',
    [inSync(), waiting('cut', 500), waiting('busy', 500), catchingUp(), inSync({ rev: 44 })],
    [
      'origin: in sync at revision 41',
      'origin: connection lost: cut (next try in 500 ms)',
      'origin: waiting: busy (next try in 500 ms)',
      'origin: connected, catching up',
      'origin: in sync at revision 44',
    ],
    [
      undefined,
      'origin: connection lost: cut (next try in 500 ms)',
      'origin: waiting: busy (next try in 500 ms)',
      'origin: connected, catching up',
      undefined,
    ],
  ],
  [
    'the same revision once more',
    [inSync(), inSync(), inSync({ rev: 42 })],
    ['origin: in sync at revision 41', undefined, 'origin: in sync at revision 42'],
    [undefined, undefined, undefined],
  ],
  [
    'branches',
    [
      moved(),
      moved({ side: 'remote', type: 'new', from: null }),
      moved({ type: 'deleted', to: null }),
      moved({ name: 'a\u001b[2J' }),
    ],
    [
      'origin: main 2899f387fbd2 -> 8c7990b58fcb',
      'origin: origin/main -> 8c7990b58fcb (new)',
      'origin: main deleted, was 2899f387fbd2',
      'origin: "a\\u001b[2J" 2899f387fbd2 -> 8c7990b58fcb',
    ],
    [
      'origin: main 2899f387fbd2 -> 8c7990b58fcb',
      'origin: origin/main -> 8c7990b58fcb (new)',
      'origin: main deleted, was 2899f387fbd2',
      'origin: "a\\u001b[2J" 2899f387fbd2 -> 8c7990b58fcb',
    ],
  ],
  [
    'data',
    [
      followEvent({ event: 'data', type: 'updated', pushed: { snapshots: 1, bytes: 2048 }, pulled: none }),
      followEvent({ event: 'data', type: 'updated', pushed: none, pulled: { snapshots: 2, bytes: 10 } }),
    ],
    ['origin: sent 1 snapshot, 2.0 KiB', 'origin: received 2 snapshots, 10 B'],
    [undefined, undefined],
  ],
  [
    'the working directory',
    [
      followEvent({ event: 'volume', type: 'updated', object: 'volume:1', path: '/data' }),
      followEvent({ event: 'volume', type: 'problem', object: 'volume:1', path: '/data', message: 'unsaved changes' }),
    ],
    ['origin: the working directory was taken along', '! origin: unsaved changes'],
    ['origin: the working directory was taken along', '! origin: unsaved changes'],
  ],
];

const PROBLEMS = [
  followEvent({ event: 'problem', type: 'problem', object: null, message: 'another store', hint: 'look at it' }),
  followEvent({ event: 'conflict', type: 'problem', object: 'volset', message: 'description: "a" here\n"b" there' }),
  followEvent({ event: 'diverged', type: 'problem', object: 'branch:1', message: 'main has diverged' }),
];

describe('cli: events of follow as text', () => {
  for (const [what, events, all, news] of rows) {
    it(`${what}: in a log`, () => assert.deepEqual(lines(events), all));
    it(`${what}: above a status line`, () => assert.deepEqual(lines(events, 'news'), news));
    it(`${what}: --quiet`, () => {
      const expected = all.map((line) => (line?.startsWith('! ') ? line : undefined));
      assert.deepEqual(lines(events, 'problems'), expected);
    });
  }

  it('problems are told whatever is asked for, on one line each', () => {
    for (const detail of ['all', 'news', 'problems'] as const) {
      assert.deepEqual(lines(PROBLEMS, detail), [
        'problem: origin: another store (look at it)',
        'C origin: "description: "a" here\\n"b" there"',
        '! origin: main has diverged',
      ]);
    }
  });

  it('with several volume sets a line says which', () => {
    assert.deepEqual(
      lines(
        [moved(), moved({ volset: null, volsetId: DRAFTS }), waiting('x', 1, { volset: null, volsetId: null })],
        'all',
        true,
      ),
      [
        'origin (results): main 2899f387fbd2 -> 8c7990b58fcb',
        `origin (${DRAFTS}): main 2899f387fbd2 -> 8c7990b58fcb`,
        'origin: waiting: x (next try in 1 ms)',
      ],
    );
  });
});

describe('cli: all that is followed on one line', () => {
  const summary = (events: [at: number, event: FollowEvent][], now: number, brief = false): string => {
    const board = new FollowBoard('news', false);
    for (const [at, event] of events) board.take(event, at);
    return board.summary(now, brief);
  };

  it('status, revision, when the next try is', () => {
    assert.equal(summary([], 0), 'connecting');
    assert.equal(summary([[0, inSync()]], 9), 'origin: in sync at 41');
    const down: [number, FollowEvent][] = [
      [0, inSync()],
      [1000, waiting('cut', 4000)],
    ];
    assert.equal(summary(down, 2500), 'origin: waiting, next try in 3 s, cut');
    assert.equal(summary(down, 9000), 'origin: waiting, trying, cut');
    assert.equal(summary(down, 9000, true), 'origin: waiting');
  });

  it('when something changed last, which a status or a problem is not', () => {
    const noon = new Date(2026, 10, 22, 12, 0, 5).getTime();
    const events: [number, FollowEvent][] = [
      [0, inSync()],
      [noon, moved()],
      [noon + 9000, PROBLEMS[0]],
      [noon + 9000, inSync({ rev: 42 })],
    ];
    assert.equal(summary(events, noon + 9000), 'origin: in sync at 42, last change 12:00:05');
  });

  it('a remote that is given up stays so, one that goes on later says so again', () => {
    const events: [number, FollowEvent][] = [
      [0, inSync()],
      [0, inSync({ remote: 'usb' })],
      [0, PROBLEMS[0]],
    ];
    assert.equal(summary(events, 0), 'origin: problem: another store · usb: in sync at 41');
    assert.equal(summary(events, 0, true), 'origin: problem · usb: in sync');
    assert.equal(summary([...events, [0, catchingUp()]], 0), 'origin: catching up · usb: in sync at 41');
  });

  it('several remotes, and what became of a volset that was not known at first', () => {
    const events: [number, FollowEvent][] = [
      [0, waiting('x', 1, { volset: null, volsetId: null, rev: null })],
      [0, inSync()],
      [0, catchingUp({ remote: 'usb' })],
    ];
    assert.equal(summary(events, 0), 'origin: in sync at 41 · usb: catching up');
  });

  it('many: numbers, and the names of those that are behind', () => {
    const board = new FollowBoard('news', true);
    for (let i = 0; i < 9; i++) board.take(inSync({ volset: `v${i}`, volsetId: `${i}` as never }), 0);
    for (const name of ['a', 'b', 'c']) board.take(waiting('x', 1, { volset: name, volsetId: name as never }), 0);
    board.take(catchingUp({ volset: 'd', volsetId: 'd' as never }), 0);
    const expected = '13 followed: 9 in sync, 1 catching up (origin (d)), 3 waiting (origin (a), origin (b), …)';
    assert.equal(board.summary(0), expected);
  });

  it('knows when each remote has been tried', () => {
    const tried = (...events: FollowEvent[]): boolean => {
      const board = new FollowBoard('all', false);
      for (const event of events) board.take(event, 0);
      return board.hasTried(['origin', 'usb']);
    };
    assert.equal(tried(inSync(), waiting(undefined, undefined, { remote: 'usb' })), false);
    assert.equal(tried(inSync(), waiting('down', 1, { remote: 'usb' })), true);
    assert.equal(tried(catchingUp(), { ...PROBLEMS[0], remote: 'usb' }), true);
    assert.equal(tried(), false);
  });
});
