import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Change, DEFENCES, type Defence } from '../properties/defences.ts';

const ROOT = join(import.meta.dirname, '../..');
const SEEDS = 60;
const STEPS = 40;
const run = promisify(execFile);

/** A copy of the sources in which the defence is missing; dependencies are shared. */
class Weakened implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-weak-'));

  constructor({ changes }: Defence) {
    for (const part of ['src', 'test', 'package.json'])
      cpSync(join(ROOT, part), join(this.dir, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.dir, 'node_modules'));
    for (const change of changes) this.#apply(change);
  }

  #apply({ file, find, replace }: Change): void {
    const path = join(this.dir, 'src', file);
    const parts = readFileSync(path, 'utf8').split(find);
    assert.equal(parts.length, 2, `${file} has ${parts.length - 1} times: ${find}`);
    writeFileSync(path, parts.join(replace));
  }

  /** What the simulation says: the first seed that fails and why, or `-`. */
  async hunt(flavour: string): Promise<string> {
    const script = join(this.dir, 'test/properties/simulation/hunt.ts');
    const { stdout } = await run(process.execPath, [script, flavour, '1', String(SEEDS), String(STEPS)]);
    return stdout.trim();
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

describe('soak: the simulation notices when a defence is missing', () => {
  for (const defence of DEFENCES) {
    it(defence.name, async () => {
      using weakened = new Weakened(defence);
      const found = await weakened.hunt(defence.flavour);
      process.stdout.write(`      ${defence.name} | ${defence.flavour} | ${found.slice(0, 160)}\n`);
      assert.notEqual(found, '-', `${SEEDS} runs went well without it`);
      assert.doesNotMatch(
        found,
        /is not defined|is not a function|Cannot read prop|SyntaxError/,
        'it failed to run at all',
      );
    });
  }
});
