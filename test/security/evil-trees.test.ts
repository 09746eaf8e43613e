/** Classes 1, 2, 3, 5, 6: a tree from a peer never leads out of the directory, nor into a store. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND, unhex } from '../../src/core/hash.ts';
import { plait } from '../e2e/helpers/plait.ts';
import { Client, RealHub } from '../hub/real-hub.ts';
import { picture } from '../volume/harness.ts';
import { dir, file, key, link, plant, serveTree, type Tree, Victim } from './evil-trees.ts';

/** Names that are refused wherever they stand. */
const ILLEGAL = [
  ...[
    '.',
    '..',
    '/',
    '//',
    '/etc',
    'a/b',
    '../x',
    '../canary/x',
    'a/../../x',
    './x',
    'x/',
    '/..',
    '..//..',
    'x/.plait',
  ],
  ...['x'.repeat(256), 'y'.repeat(4000), key('é'.repeat(128))],
  ...[
    '.plait',
    '.PLAIT',
    '.Plait',
    '.plait.',
    '.plait ',
    '.plait. .',
    '.plait::$DATA',
    '.plait:x',
    'PLAIT~1',
    'plait~9',
  ],
  ...['.pl\u200cait', '\ufeff.plait', '.p\u00adlait', '\u2024plait', '\uff0eplait', '.\uff50lait', '.pla\u0131t'].map(
    key,
  ),
  ...['.plait\u200d', '.\u24dflait', ' .plait', '.plait\u180e', '.pl\u2060ait\ufe0f', '.plait\u{e0041}'].map(key),
];
/** Names that mean something elsewhere, and are plain files here. */
const ODD = [
  ...['..\\..\\x', 'C:\\x', 'C:', '\\\\srv\\share', '\\\\?\\C:\\x', 'nul', 'CON', 'com1.txt', 'a:b', 'a.', 'a ', '.. '],
  ...['%2e%2e', '%2e%2e%2fx', '%00', '~', '~root', '-rf', '--', '$(touch x)', '`id`', '|id', ';id', '*', 'a\nb'],
  ...['\x1b[2J', '\xff\xfe', '\xc0\xae\xc0\xae', '\xc0\xaf', '\xed\xa0\x80', '__proto__', 'constructor', '.git', '...'],
  ...['\uff0e\uff0e', '\u2025', '\u202etxt.exe', '..\u200b', '\u2215etc'].map(key),
];
/** Four places in a tree where a name can stand. */
const placed = (name: string): [where: string, tree: Tree][] => [
  ['a file', [file(name)]],
  ['a file in a folder', [dir('d'), file(`d\0${name}`)]],
  ['a folder', [dir(name), file(`${name}\0x`)]],
  ['a link', [link(name, '../canary/x')]],
];

const LINKED = (group: string): Tree => [file('a'), file('b', { linkGroup: group as never })];
const REFUSED: [what: string, tree: Tree][] = [
  ...ILLEGAL.flatMap((name) =>
    placed(name).map(([where, tree]): [string, Tree] => [`${where} named ${JSON.stringify(name.slice(0, 20))}`, tree]),
  ),
  ['an empty name first', [file('\0x')]],
  ['an empty name within', [dir('a'), file('a\0\0x')]],
  ['an empty name last', [dir('a'), file('a\0')]],
  ['a file without its folder', [file('a\0b')]],
  ['a file below a link', [link('p', '../canary'), file('p\0file')]],
  ['a file below a link below a folder', [dir('d'), link('d\0p', '../../canary'), file('d\0p\0x')]],
  ['a folder below a link', [link('p', '../canary'), dir('p\0x'), file('p\0x\0file')]],
  ['a file below a file', [file('p'), file('p\0file')]],
  ...['../canary/file', '/etc/passwd', '.plait\0meta.db', '..', 'nothere', 'a\0x', 'c'].map((group): [string, Tree] => [
    `a hard link to ${JSON.stringify(group)}`,
    LINKED(group),
  ]),
  ['a hard link to a folder', [dir('a'), file('b', { linkGroup: 'a' as never })]],
  ['a hard link to a link', [link('a', '../canary/file'), file('b', { linkGroup: 'a' as never })]],
];

describe('security: trees of a hostile peer', function () {
  this.timeout(120_000);
  let top: string;
  let canary: string[];
  let hub: RealHub;

  before(async () => {
    hub = await RealHub.start();
  });
  after(() => hub[Symbol.asyncDispose]());
  beforeEach(() => {
    top = fs.mkdtempSync(join(tmpdir(), 'plait-evil-'));
    fs.mkdirSync(join(top, 'canary/x'), { recursive: true });
    fs.writeFileSync(join(top, 'canary/file'), 'untouched');
    canary = picture(join(top, 'canary'));
  });
  afterEach(() => {
    assert.deepEqual(picture(join(top, 'canary')), canary);
    fs.rmSync(top, { recursive: true, force: true });
  });

  const refused = async (work: Promise<unknown>, what: string): Promise<void> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof PlaitError, `${what} was taken, or failed otherwise: ${String(error)}`);
    assert.equal(error.code, 'integrity', `${what}: ${error.message}`);
  };

  it('trees of a lying hub: exit code integrity, nothing written', async () => {
    assert.ok(REFUSED.length >= 150);
    await using victim = await Victim.in(top);
    // A clone takes longer than a push: each name as a file, and every fifth of the rest.
    const some = REFUSED.filter(
      ([what], n) => n % 5 === 0 || what.startsWith('a file named') || n >= 4 * ILLEGAL.length,
    );
    for (const [n, [what, tree]] of some.entries()) {
      const volset = await serveTree(hub, `refused-${n}`, tree);
      await refused(victim.clone(hub.hub.url, volset), what);
      assert.deepEqual(fs.readdirSync(top).sort(), ['canary', 'store', 'work'], what);
      assert.deepEqual(fs.readdirSync(join(top, 'work')), ['.plait'], what);
      fs.rmSync(join(top, 'work'), { recursive: true });
    }
  });

  it(`${ODD.length} names that mean something elsewhere are files under the root here`, async () => {
    if (process.platform !== 'linux') return;
    await using victim = await Victim.in(top);
    const volset = await serveTree(
      hub,
      'odd',
      ODD.flatMap((name) => [dir(name), file(`${name}\0x`)]),
    );
    await victim.clone(hub.hub.url, volset);
    const names = fs.readdirSync(join(top, 'work'), { encoding: 'latin1' as 'utf8' });
    assert.deepEqual(names.sort(), ['.plait', ...ODD].sort());
    assert.deepEqual(fs.readdirSync(top).sort(), ['canary', 'store', 'work']);
  });

  it('names that are equal after folding are legal where the file system keeps them apart', async () => {
    if (process.platform !== 'linux') return;
    await using victim = await Victim.in(top);
    const volset = await serveTree(
      hub,
      'folding',
      ['README', 'readme', key('é'), key('e\u0301')].map((n) => file(n)),
    );
    await victim.clone(hub.hub.url, volset);
    assert.equal(fs.readdirSync(join(top, 'work')).length, 5);
  });

  it('the program says so: exit 14, one error, nothing but the store', async () => {
    for (const [n, name] of ['..', '../canary/x', '/etc/x', '.PLAIT', '\x1b[2J/x'].entries()) {
      const at = `program-${n}`;
      await serveTree(hub, at, [file(name)]);
      const end = await plait(['clone', `${hub.hub.url}/${at}`, join(top, 'work')], { cwd: top });
      assert.equal(end.exit, 14, JSON.stringify(end));
      assert.match(end.stderr, /^error: .*the peer's data holds/m);
      assert.doesNotMatch(end.stdout + end.stderr, /[\u0000-\u0008\u000b-\u001f\u007f]/);
      assert.deepEqual(fs.readdirSync(join(top, 'work')), ['.plait']);
      fs.rmSync(join(top, 'work'), { recursive: true });
    }
  });

  it(`${REFUSED.length} trees of a lying client: refused by the hub, nothing visible, the branch stays`, async () => {
    for (const [n, [what, tree]] of REFUSED.entries()) {
      await using client = new Client(hub.hub.url, `pushed-${n}`).begin();
      const { id, root } = await plant(client, tree);
      await client.peer.createVolset({ id: client.volset, name: client.name });
      const { sent, failed } = await client.upload([id]);
      assert.deepEqual([sent, failed.map(({ code }) => code)], [[], ['integrity']], what);
      await client.sendRecords();
      assert.deepEqual(await hub.thread.meta.missingBlobs(client.volset, [id]), [id], what);
      assert.deepEqual([...hub.blob.reader(client.volset).has(KIND.node, unhex(root as never))], [0], what);
      const { branch, volset } = client;
      const moved = client.peer.moveRefs(volset, [{ branch, from: null, to: id }]);
      assert.equal(
        await moved.then(
          (answer) => answer.moved,
          () => false,
        ),
        false,
        what,
      );
    }
  });
});
