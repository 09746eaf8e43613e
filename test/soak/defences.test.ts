import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Change, DEFENCES } from '../properties/defences.ts';
import { TRANSFER_DEFENCES, type TransferDefence } from '../properties/transfer-defences.ts';

const ROOT = join(import.meta.dirname, '../..');
const SEEDS = 60;
const STEPS = 40;
const run = promisify(execFile);

/** A copy of the sources in which the defence is missing; dependencies are shared. */
class Weakened implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-weak-'));

  constructor(changes: Change[]) {
    for (const part of ['src', 'test', 'scripts', 'package.json', '.mocharc.json'])
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

  /** Titles of the tests that fail: the first, as nothing follows it. `-`: they all pass. */
  async test({ test, grep }: TransferDefence): Promise<string> {
    const mocha = join(ROOT, 'node_modules/mocha/bin/mocha.js');
    // What never ends without its defence is ended.
    const args = [mocha, '--exit', '--bail', '--reporter', 'json', '-g', grep, test];
    const { stdout } = await run(process.execPath, args, { cwd: this.dir, maxBuffer: 1 << 26 }).catch(
      (error: { stdout: string }) => error,
    );
    const { stats, failures } = JSON.parse(stdout.slice(stdout.indexOf('{\n  "stats"'))) as MochaReport;
    assert.ok(stats.tests > 0, `no test of ${test} is called ${grep}`);
    return failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`.replaceAll(/\s+/g, ' '))[0] ?? '-';
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface MochaReport {
  stats: { tests: number };
  failures: { fullTitle: string; err: { message: string } }[];
}

/** It must fail for what it does wrong, not for being no program any more. */
const BROKEN = /is not defined|is not a function|Cannot read prop|SyntaxError/;

describe('soak: the simulation notices when a defence is missing', () => {
  for (const defence of DEFENCES) {
    it(defence.name, async () => {
      using weakened = new Weakened(defence.changes);
      const found = await weakened.hunt(defence.flavour);
      process.stdout.write(`      ${defence.name} | ${defence.flavour} | ${found.slice(0, 160)}\n`);
      assert.notEqual(found, '-', `${SEEDS} runs went well without it`);
      assert.doesNotMatch(found, BROKEN, 'it failed to run at all');
    });
  }
});

describe('soak: a test notices when a defence of transfers is missing', () => {
  for (const defence of TRANSFER_DEFENCES) {
    it(defence.name, async () => {
      using weakened = new Weakened(defence.changes);
      const found = await weakened.test(defence);
      process.stdout.write(`      ${defence.name} | ${found.slice(0, 160)}\n`);
      assert.notEqual(found, '-', `${defence.test} passes without it`);
      assert.doesNotMatch(found, BROKEN, 'it failed to run at all');
    });
  }
});
