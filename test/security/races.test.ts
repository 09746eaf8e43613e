/** Class 4: a folder that turns into a link while it is read or written. What lies outside is neither read nor changed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { SnapshotId } from '../../src/core/ids.ts';
import { restore } from '../../src/sync/restore.ts';
import { type MadeLab, madeLab } from '../sync/lab.ts';

const SECRET = 'secret that lies outside';
const FLIPS = 10_000;
/**
 * Turns a folder into a link to another and back, so many times; says `up` when it begins. Touches a file each time, so
 * that the stat cache spares no reading.
 */
const FLIP = `const fs=require('fs');const [d,c]=process.argv.slice(1);process.stdout.write('up');
for(let i=0;i<${FLIPS};i++){try{fs.renameSync(d,d+'.real');fs.symlinkSync(c,d)}catch{}
try{const t=new Date();fs.utimesSync(d+'.real/f'+i%40,t,t)}catch{}
try{fs.unlinkSync(d)}catch{} try{fs.renameSync(d+'.real',d)}catch{}}`;

describe('security: a folder that flips to a link and back', function () {
  this.timeout(60_000);
  let made: MadeLab;
  let canary: string;
  const names = Array.from({ length: 40 }, (_, n) => `f${n}`);

  beforeEach(async () => {
    made = await madeLab();
    canary = join(made.lab.top, 'canary');
    fs.mkdirSync(canary);
    for (const name of names) {
      fs.writeFileSync(join(canary, name), SECRET);
      made.lab.write(`d/${name}`, 'inside');
    }
  });
  afterEach(async () => {
    for (const name of names) assert.equal(fs.readFileSync(join(canary, name), 'utf8'), SECRET);
    assert.equal(fs.readdirSync(canary).length, names.length);
    await made.lab[Symbol.asyncDispose]();
  });

  async function whileFlipping(dir: string, step: () => Promise<unknown>): Promise<number> {
    const child: ChildProcess = spawn(process.execPath, ['-e', FLIP, dir, canary], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout!, 'data');
    const ended = once(child, 'exit');
    let steps = 0;
    for (; child.exitCode === null; steps++) {
      await step();
      await new Promise(setImmediate);
    }
    assert.deepEqual(await ended, [0, null]);
    return steps;
  }

  it('gives nothing from outside to a snapshot', async () => {
    const { lab, engine } = made;
    const taken: SnapshotId[] = [];
    await whileFlipping(lab.at('d'), async () => {
      const { result } = await lab.snapshot(engine, { maxDelete: 1 }).catch(() => ({ result: undefined }));
      if (result?.snapshot) taken.push(result.snapshot);
    });
    assert.ok(taken.length > 0);
    const volset = engine.volume!.state.volset;
    const reader = engine.blob.reader(volset);
    for (const id of taken) {
      const { root } = engine.meta.findSnapshot(volset, id)!.body;
      for (const { content } of engine.manifest.entries(reader, root)) {
        if (!content) continue;
        for (const bytes of reader.readFile(content)) assert.equal(Buffer.from(bytes).toString(), 'inside');
      }
    }
  });

  it('takes nothing out of a restore in place', async () => {
    const { lab, engine } = made;
    await lab.snapshot(engine);
    const steps = await whileFlipping(lab.at('d'), () =>
      restore(engine, { ref: 'main', paths: [], overwrite: true, preserve: [] }).catch(() => {}),
    );
    assert.ok(steps > 0);
  });
});
