/** Clients that push again and again while their hub is killed and started anew, as a supervisor would. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type Hub, Lab } from './lab.ts';
import { plait } from './plait.ts';

export interface RestartReport {
  pushes: number;
  /** Runs of `push` that ended without success and were run again. */
  again: number;
  restarts: number;
}

/** Times that one push is run before the test gives up. */
const TRIES = 200;

export async function restartUnderLoad(clients: number, restarts: number): Promise<RestartReport> {
  await using lab = new Lab();
  let hub = await lab.hub();
  const { port } = new URL(hub.url);
  const report: RestartReport = { pushes: 0, again: 0, restarts: 0 };
  let stopped = false;
  const names = Array.from({ length: clients }, (_, n) => `client${n}`);
  for (const name of names) {
    await lab.run(['init', lab.path(name), '--volset', name]);
    await lab.in(name, ['remote', 'add', 'origin', `${hub.url}/${name}`]);
  }
  const tips = await Promise.all([
    ...names.map((name) => client(lab, name, () => stopped, report)),
    restart().then(() => undefined),
  ]);
  await lab.run(['--store', hub.store, 'verify', '--read-data']);
  for (const [n, name] of names.entries()) {
    const copy = lab.path(`copy-${name}`);
    await lab.run(['clone', `${hub.url}/${name}`, copy]);
    const { snapshots } = await lab.run(['-C', copy, 'log', '--limit', '1']);
    assert.equal(snapshots[0].snapshot ?? snapshots[0].id, tips[n], `the tip of ${name}`);
  }
  await hub.stop();
  return report;

  async function restart(): Promise<void> {
    try {
      for (; report.restarts < restarts; report.restarts++) {
        const before = report.pushes;
        // Between two of them somebody gets through, so that there is load and progress.
        while (report.pushes < before + Math.ceil(clients / 4)) await new Promise((resolve) => setTimeout(resolve, 20));
        await hub.stop(report.restarts % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
        hub = await started(lab, port);
      }
    } finally {
      stopped = true;
    }
  }
}

const started = (lab: Lab, port: string): Promise<Hub> => lab.hub('hub', '--listen', `127.0.0.1:${port}`);

/** Snapshots and pushes until the restarts are over; the last tip. */
async function client(lab: Lab, name: string, stopped: () => boolean, report: RestartReport): Promise<string> {
  let tip = '';
  for (let round = 0; round === 0 || !stopped(); round++) {
    writeFileSync(lab.path(name, `file${round % 5}`), `${name} ${round} `.repeat(20_000));
    tip = (await lab.in(name, ['snapshot'])).snapshot;
    await pushed(lab, name, report);
  }
  return tip;
}

async function pushed(lab: Lab, name: string, report: RestartReport): Promise<void> {
  for (let tries = 1; ; tries++) {
    const end = await plait(['--json', 'push'], { cwd: lab.path(name), timeout: 0 });
    if (end.exit === 0) break;
    // Nothing but what a hub that is away, or stops, may cause.
    assert.ok([11, 13].includes(end.exit ?? -1) && tries < TRIES, JSON.stringify(end));
    report.again++;
  }
  report.pushes++;
}
