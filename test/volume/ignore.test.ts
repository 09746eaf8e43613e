import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { keyOfBytes, keyOfText } from '../../src/core/paths.ts';
import { Rules } from '../../src/volume/ignore.ts';
import { Lab } from './harness.ts';

describe('ignore rules', () => {
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.dispose]());

  it('keep new files out, deeper files before shallower ones', async () => {
    lab.write('.plaitignore', '*.log\n/build/\n!keep.log\n');
    lab.write('sub/.plaitignore', '!deep.log\nkeep.log\n');
    for (const path of ['a.log', 'keep.log', 'build/x', 'src/build/x', 'sub/deep.log', 'sub/keep.log', 'A.LOG'])
      lab.write(path, path);
    assert.deepEqual(await lab.status(), [
      'A .plaitignore',
      'A A.LOG',
      'A keep.log',
      'A src',
      'A src/build',
      'A src/build/x',
      'A sub',
      'A sub/.plaitignore',
      'A sub/deep.log',
    ]);
  });

  it('do not remove what is tracked, nor hide its edits or its deletion', async () => {
    for (const path of ['build/a', 'build/b', 'x.log', 'y.log']) lab.write(path, path);
    await lab.snapshot();
    lab.write('.plaitignore', 'build\n*.log\n');
    lab.write('build/new', 'new');
    lab.write('build/deeper/new', 'new');
    lab.write('z.log', 'new');
    assert.deepEqual(await lab.status(), ['A .plaitignore']);
    lab.write('build/a', 'edited');
    fs.rmSync(lab.at('x.log'));
    assert.deepEqual(await lab.status(), ['A .plaitignore', 'M build/a', 'D x.log']);
  });

  it('are not looked into an ignored folder for', async () => {
    lab.write('.plaitignore', 'out\n');
    lab.write('out/.plaitignore', '!wanted\n');
    lab.write('out/wanted', 'x');
    fs.mkdirSync(lab.at('out/.PLAIT'));
    const changes = lab.changes();
    assert.deepEqual(
      (await lab.list(changes)).map(({ path }) => path),
      ['.plaitignore'],
    );
    assert.deepEqual(changes.outcome.problems, []);
  });

  it('that cannot be used are reported', async () => {
    fs.symlinkSync('/dev/zero', lab.at('.plaitignore'));
    lab.write('a', 'a');
    const changes = lab.changes();
    assert.deepEqual(
      (await lab.list(changes)).map(({ path }) => path),
      ['.plaitignore', 'a'],
    );
    assert.deepEqual(
      changes.outcome.problems.map(({ what }) => what),
      ['bad-rules'],
    );
  });

  it('match text where names are UTF-8, and bytes where they are not', () => {
    const rules = new Rules(keyOfText(''), `${Buffer.from('Grüße*\n').toString('latin1')}\xff\xfe\n*.raw\n`);
    assert.equal(rules.test(keyOfText('Grüße.txt'), false), true);
    assert.equal(rules.test(keyOfBytes(Buffer.from([0xff, 0xfe])), false), true);
    assert.equal(rules.test(keyOfBytes(Buffer.from([0xff, 0xfd])), false), undefined);
    assert.equal(rules.test(keyOfBytes(Buffer.from([0xff, 0x2e, 0x72, 0x61, 0x77])), false), true);
  });

  it('give the same answers after the matcher was made anew', () => {
    const rules = new Rules(keyOfText(''), '*.o\n');
    for (let i = 0; i < 10_050; i++) rules.test(keyOfText(`f${i}`), false);
    assert.equal(rules.test(keyOfText('x.o'), false), true);
  });
});
