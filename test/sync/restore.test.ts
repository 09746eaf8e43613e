import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { BlobWriter } from '../../src/blob/contract.ts';
import { keyOfText } from '../../src/core/paths.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { restore } from '../../src/sync/restore.ts';
import { type MadeLab, madeLab } from './lab.ts';

const unsaved = { code: 'unsaved-changes' };

/** The same object but for some methods. */
const overlay = <T extends object>(target: T, methods: Partial<T>): T =>
  new Proxy(target, {
    get(_, name) {
      const own = methods[name as keyof T] ?? target[name as keyof T];
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });

const unreadable: BlobWriter['ingest'] = async function* (_root, files) {
  for await (const { path } of files) yield { path, status: 'unreadable', errno: 'EACCES' };
};

describe('restore in place', () => {
  let { lab, engine } = {} as MadeLab;
  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
    for (const name of ['conf', 'dir/f', 'k1', 'k2']) lab.write(name, 'old');
    await lab.snapshot(engine);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const run = (ref: string, paths: string[], overwrite = false) =>
    restore(engine, { ref, paths: paths.map(keyOfText), overwrite, preserve: [] });

  it('brings back what is saved elsewhere and refuses what is not', async () => {
    lab.write('conf', 'new');
    await assert.rejects(run('main', ['conf']), unsaved);
    await lab.snapshot(engine);
    await run('main~1', ['conf']);
    assert.equal(lab.read('conf'), 'old');
    await assert.rejects(run('main', []), unsaved);
    await run('main', [], true);
    assert.equal(lab.read('conf'), 'new');
  });

  it('does not write over an ignored file, which no snapshot holds', async () => {
    fs.rmSync(lab.at('conf'));
    lab.write('.plaitignore', 'conf\n');
    await lab.snapshot(engine);
    lab.write('conf', 'precious');
    assert.deepEqual(await lab.status(engine), []);
    for (const paths of [['conf'], []]) await assert.rejects(run('main~1', paths), unsaved);
    assert.equal(lab.read('conf'), 'precious');
  });

  it('does not write over a file where a directory above the wanted path was', async () => {
    fs.rmSync(lab.at('dir'), { recursive: true });
    lab.write('dir', 'precious');
    await assert.rejects(run('main', ['dir/f']), unsaved);
    assert.equal(lab.read('dir'), 'precious');
  });

  it('does not write over what could not be looked at', async () => {
    lab.write('conf', 'precious');
    const blob = overlay(engine.blob, {
      writer: (...args) => overlay(engine.blob.writer(...args), { ingest: unreadable }),
    });
    const blind: Engine = { ...engine, blob };
    const input = { ref: 'main', paths: [keyOfText('conf')], overwrite: false, preserve: [] };
    await assert.rejects(restore(blind, input), unsaved);
    assert.equal(lab.read('conf'), 'precious');
  });
});
