/** Trees and neighbours that want a checkout to write somewhere else: a canary outside must never change. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../src/core/entry.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { keyOfText, type PathKey } from '../../src/core/paths.ts';
import { contentOf, Lab, picture } from './harness.ts';

const file = (path: PathKey, text: string, mode = 0o644): Entry => ({
  path,
  kind: 'file',
  mode,
  mtime: 10n ** 18n,
  size: text.length,
  content: contentOf(Buffer.from(text)),
});
const dir = (path: PathKey): Entry => ({ path, kind: 'dir', mode: 0o755, mtime: 0n, size: 0 });
const link = (path: PathKey, target: string): Entry => ({
  path,
  kind: 'symlink',
  mode: 0,
  mtime: 0n,
  size: 0,
  target: Buffer.from(target),
});
const k = keyOfText;

/** The shortest sequence in which any three follow each other in every order (a de Bruijn sequence, prefer-largest). */
function everyTriple(names: string[]): string[] {
  const order = [names[0], names[0]];
  const seen = new Set<string>();
  for (;;) {
    const next = names.findLast((name) => !seen.has([...order.slice(-2), name].join()));
    if (next === undefined) return order;
    seen.add([...order.slice(-2), next].join());
    order.push(next);
  }
}

describe('a hostile tree', () => {
  let lab: Lab;
  let canary: string;
  let before: string[];
  beforeEach(() => {
    lab = new Lab();
    canary = join(lab.top, 'canary');
    fs.mkdirSync(join(canary, 'x'), { recursive: true });
    fs.writeFileSync(join(canary, 'file'), 'untouched');
    fs.writeFileSync(join(canary, 'x/file'), 'untouched');
    before = picture(canary);
  });
  afterEach(() => {
    assert.deepEqual(picture(canary), before);
    lab[Symbol.dispose]();
  });

  const evil = [
    '..',
    '.',
    '',
    '../x',
    'a/../../x',
    '/etc/x',
    'a//b',
    '.plait',
    '.PLAIT/x',
    '.plait\u200c',
    'a/.Plait/x',
  ];
  for (const name of evil) {
    it(`named ${JSON.stringify(name)} is refused before anything is written`, async () => {
      const root = lab.tree([file(k(name), 'evil')], { evil: 'evil' });
      await assert.rejects(
        lab.checkout(root),
        (error: unknown) => error instanceof PlaitError && error.code === 'integrity',
      );
      assert.deepEqual(picture(lab.dir), []);
    });
  }

  it('with a slash inside one name is refused', async () => {
    const root = lab.tree([file('a/b' as PathKey, 'evil')], { evil: 'evil' });
    await assert.rejects(lab.checkout(root), { code: 'integrity' });
  });

  it('that turns a name into link, file and folder, in all orders, writes nothing through the link', async () => {
    const shapes: Record<string, Entry[]> = {
      link: [link(k('p'), '../canary')],
      leaf: [link(k('p'), '../canary/file')],
      file: [file(k('p'), 'data')],
      dir: [dir(k('p')), file(k('p/file'), 'data'), dir(k('p/x')), file(k('p/x/file'), 'data')],
      inner: [dir(k('p')), file(k('p/file'), 'data'), link(k('p/x'), '../../canary/x')],
      none: [],
    };
    const order = everyTriple(Object.keys(shapes));
    assert.equal(order.length, 6 ** 3 + 2);
    for (const [i, shape] of order.entries()) {
      const root = lab.tree(shapes[shape], { data: 'data' });
      const { problems } = await lab.checkout(root);
      assert.deepEqual(problems, [], order.slice(Math.max(0, i - 2), i + 1).join(', '));
      assert.deepEqual(lab.paths(root).length, picture(lab.dir).length);
    }
  }).timeout(20_000);

  it('with entries below a link is kept out', async () => {
    const root = lab.tree([link(k('p'), '../canary'), file(k('p/file'), 'evil'), file(k('p/new'), 'evil')], {
      evil: 'evil',
    });
    const { problems } = await lab.checkout(root);
    assert.ok(problems.length > 0);
  });

  it('with a link group that names something else links only what it wrote', async () => {
    fs.writeFileSync(lab.at('mine'), 'mine');
    const group = k('mine');
    const entries = [
      { ...file(k('a'), 'data'), linkGroup: group },
      { ...file(k('b'), 'data'), linkGroup: group },
    ];
    await lab.checkout(lab.tree(entries, { data: 'data' }));
    assert.equal(fs.statSync(lab.at('mine')).nlink, 1);
    assert.equal(fs.statSync(lab.at('a')).ino, fs.statSync(lab.at('b')).ino);
  });

  it('cannot use a user’s own link in place of a folder, even with --force', async () => {
    const first = lab.tree([dir(k('d')), file(k('d/file'), 'one')], { one: 'one' });
    await lab.checkout(first);
    fs.rmSync(lab.at('d'), { recursive: true });
    fs.symlinkSync(canary, lab.at('d'));
    const second = lab.tree([dir(k('d')), file(k('d/file'), 'two'), file(k('d/x'), 'two')], { two: 'two' });
    await assert.rejects(lab.checkout(second), { code: 'unsaved-changes' });
    await lab.checkout(second, { force: true });
  });

  it('is kept inside while a folder flips to a link and back', async () => {
    const trees = ['one', 'two'].map((text) => {
      const files = Array.from({ length: 40 }, (_, i) => file(k(`d/f${i}`), text));
      const entries = [dir(k('d')), ...files].sort((a, b) => (a.path < b.path ? -1 : 1));
      return lab.tree(entries, { [text]: text });
    });
    await lab.checkout(trees[0]);
    const flip = `const fs=require('fs');const [d,c]=process.argv.slice(1);process.stdout.write('up');
      for(let i=0;i<10000;i++){try{fs.renameSync(d,d+'.real');fs.symlinkSync(c,d)}catch{}
      try{fs.unlinkSync(d)}catch{} try{fs.renameSync(d+'.real',d)}catch{}}`;
    const child = spawn(process.execPath, ['-e', flip, lab.at('d'), canary], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const ended = once(child, 'exit');
    for (let i = 0; child.exitCode === null; i++) {
      await lab.checkout(trees[i % 2], { force: true }).catch(() => {});
      await new Promise(setImmediate);
    }
    await ended;
    assert.deepEqual(picture(canary), before);
  }).timeout(20_000);
});
