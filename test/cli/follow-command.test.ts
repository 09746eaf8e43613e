import assert from 'node:assert/strict';
import { remotesToFollow } from '../../src/cli/follow-command.ts';
import { checkFollowing, type FollowInput } from '../../src/cli/follow-flags.ts';
import type { RemoteConfig } from '../../src/meta/contract.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { DRAFTS, RESULTS } from './follow-events.ts';

const ALLOWED: [remotes: string[], flags: FollowInput][] = [
  [[], {}],
  [['origin'], { 'dry-run': true, porcelain: true, 'fail-if-unchanged': true }],
  [[], { follow: true }],
  [['origin', 'usb'], { follow: true, once: true }],
  [
    ['origin'],
    { follow: true, 'pull-only': true, prefer: 'newest', 'max-delete': 0.2, 'limit-up': 9, parallel: 2, tips: true },
  ],
  [[], { follow: true, 'all-volsets': true, 'dry-run': false }],
];

const REFUSED: [remotes: string[], flags: FollowInput, message: RegExp][] = [
  [['origin', 'usb'], {}, /one remote, unless it follows/],
  [[], { once: true }, /--once is about --follow/],
  [[], { follow: true, 'dry-run': true }, /--dry-run is for a single run/],
  [[], { follow: true, porcelain: true }, /--porcelain is/],
  [[], { follow: true, 'fail-if-unchanged': true }, /--fail-if-unchanged is/],
  [[], { follow: true, once: true, 'accept-new-identity': true }, /--accept-new-identity is/],
  [[], { follow: true, 'accept-rollback': true }, /--accept-rollback is/],
];

describe('cli: what may be asked of follow', () => {
  for (const [remotes, flags] of ALLOWED) {
    it(`${JSON.stringify([remotes, flags])}: goes`, () => checkFollowing(remotes, flags));
  }
  for (const [remotes, flags, message] of REFUSED) {
    it(`${JSON.stringify([remotes, flags])}: refused`, () =>
      assert.throws(() => checkFollowing(remotes, flags), { code: 'usage', message }));
  }
});

const remote = (name: string, rest: Partial<RemoteConfig> = {}): RemoteConfig => ({
  name,
  url: 'http://hub',
  enabled: true,
  ...rest,
});

const REMOTES = [
  remote('origin', { volset: RESULTS }),
  remote('usb', { volset: DRAFTS }),
  remote('named', { volsetName: 'drafts' }),
  remote('fresh'),
  remote('off', { volset: RESULTS, enabled: false }),
];

function engineWith(remotes: RemoteConfig[], { own, volsetName }: { own?: string; volsetName?: string } = {}): Engine {
  const volsets = [
    { id: RESULTS, name: 'results' },
    { id: DRAFTS, name: 'drafts' },
  ];
  return {
    meta: { listRemotes: () => remotes, listVolsets: () => volsets },
    volume: own === undefined ? undefined : { state: { volset: own } },
    volsetName,
  } as unknown as Engine;
}

describe('cli: whom follow follows', () => {
  const rows: [what: string, engine: Engine, names: string[], flags: FollowInput, expected: string[]][] = [
    ['those named, each once', engineWith(REMOTES), ['usb', 'off', 'usb'], {}, ['usb', 'off']],
    ['of a directory', engineWith(REMOTES, { own: RESULTS }), [], {}, ['origin', 'fresh']],
    ['with --volset', engineWith(REMOTES, { own: RESULTS, volsetName: 'drafts' }), [], {}, ['usb', 'named', 'fresh']],
    ['of a bare store', engineWith(REMOTES), [], {}, ['origin', 'usb', 'named', 'fresh']],
    [
      'with --all-volsets',
      engineWith(REMOTES, { own: RESULTS }),
      [],
      { 'all-volsets': true },
      ['origin', 'usb', 'named', 'fresh'],
    ],
  ];
  for (const [what, engine, names, flags, expected] of rows) {
    it(what, () =>
      assert.deepEqual(
        remotesToFollow(engine, names, flags).map(({ name }) => name),
        expected,
      ),
    );
  }

  it('nobody: says what to do', () => {
    assert.throws(() => remotesToFollow(engineWith([]), [], {}), { code: 'usage', message: /no remote is known/ });
    const others = engineWith(REMOTES.slice(1, 3), { own: RESULTS });
    assert.throws(() => remotesToFollow(others, [], {}), { code: 'usage', hint: /usb, named/ });
    assert.throws(() => remotesToFollow(engineWith(REMOTES), ['nope'], {}), { code: 'not-found' });
  });
});
