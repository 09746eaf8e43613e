/**
 * Mocha's spec reporter that also leaves its counts in the file named by COUNTS_FILE, as JSON `{passed, failed}`, so
 * that .ci/run can print them last. A pending test counts as failed: nothing here is skipped in silence.
 */
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env.COUNTS_FILE;
    if (file === undefined) return;
    let failed = 0;
    let passed = 0;
    runner.on('pass', () => passed++);
    runner.on('fail', () => failed++);
    runner.on('pending', () => failed++);
    runner.once('end', () => writeFileSync(file, JSON.stringify({ passed, failed })));
  }
}
