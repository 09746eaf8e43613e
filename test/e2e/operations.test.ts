/** The examples of docs/operations.md, as they stand there, but for paths, addresses and what installs plait. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { BIN, type Ended, follow, LIMIT } from './helpers/plait.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const blockOf = (language: string, after: string): string => {
  const found = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(text.slice(text.indexOf(after)));
  assert.ok(found, `no ${language} after ${after}`);
  return found[1];
};

const CRON = /^(?:[\d*/,-]+ +){5}(.*)$/;
/** In any block: what cron would give to its shell, where a bare % ends the line. */
const cronLines = text
  .split('\n')
  .flatMap((line) => CRON.exec(line)?.[1] ?? [])
  .map((line) => line.replaceAll(/(?<!\\)%.*/g, '').replaceAll('\\%', '%'));

interface Step {
  run: string;
  env: Record<string, string>;
}

/** Steps of a GitHub job, those that use an action left out. */
function stepsOf(yaml: string): Step[] {
  const [, ...steps] = yaml.slice(yaml.indexOf('steps:')).split(/^ {6}- /m);
  return steps.flatMap((step) => {
    const run = /(?:^|\n {8})run: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/.exec(step);
    if (!run) return [];
    const env = [...(/\benv:\n((?: {10}.*\n)+)/.exec(step)?.[1] ?? '').matchAll(/^ {10}(\w+): (.*)$/gm)];
    return [
      {
        run: run[1]?.replaceAll(/^ {10}/gm, '') ?? run[2],
        env: Object.fromEntries(env.map(([, name, value]) => [name, value])),
      },
    ];
  });
}

const scriptOf = (yaml: string): string[] =>
  [...yaml.slice(yaml.indexOf('script:')).matchAll(/^ {4}- (.*)$/gm)].map(([, line]) => line);

describe('e2e: the examples of operations.md', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let token: string;
  let path: string;

  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    token = (await lab.run(['--store', hub.store, 'token', 'create', '--can', 'read,write'])).token;
    mkdirSync(lab.path('bin'));
    program('bin/plait', `exec '${process.execPath}' '${BIN}' "$@"`);
    program(
      'run-tests',
      'test -f "$1/input" || exit 1; test -z "$2" || { mkdir -p "$2" && echo passed > "$2/report"; }',
    );
    path = `${lab.path('bin')}:/usr/local/bin:/usr/bin:/bin`;
    await volume('fixtures');
  });
  after(() => lab[Symbol.asyncDispose]());

  function program(name: string, line: string): void {
    writeFileSync(lab.path(name), `#!/bin/sh\n${line}\n`);
    chmodSync(lab.path(name), 0o755);
  }

  async function volume(name: string): Promise<void> {
    await lab.run(['init', `source-${name}`, '--volset', name]);
    writeFileSync(lab.path(`source-${name}`, 'input'), name);
    await lab.in(`source-${name}`, ['remote', 'add', 'origin', hub.url]);
    await lab.in(`source-${name}`, ['snapshot', '--push', 'origin'], 0, { env: { PLAIT_TOKEN: token } });
  }

  /** With nothing in its environment that the example does not put there. */
  function shell(argv: string[], env: Record<string, string> = {}): Promise<Ended> {
    const all = { PATH: path, HOME: lab.path('home'), ...env };
    const given = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    return follow(spawn('env', ['-i', ...given, ...argv], { cwd: lab.dir, ...LIMIT }), '').ended;
  }

  async function succeeds(argv: string[], env?: Record<string, string>): Promise<Ended> {
    const end = await shell(argv, env);
    assert.equal(end.exit, 0, `${argv.at(-1)}: ${JSON.stringify(end)}`);
    return end;
  }

  it('lines of cron: the job, verify, doctor, a retention', async () => {
    assert.equal(cronLines.length, 4, cronLines.join('\n'));
    await volume('results');
    writeFileSync(lab.path('source-results', 'more'), 'text');
    writeFileSync(lab.path('token'), `${token}\n`);
    for (const line of cronLines) {
      const here = line
        .replaceAll(/\/(?:data|home\/ada)\/results/g, lab.path('source-results'))
        .replaceAll('/etc/plait/token', lab.path('token'));
      // A retention asks the remote, as whoever may read there.
      const env: Record<string, string> = line.includes('--keep-') ? { PLAIT_TOKEN: token } : {};
      const { stderr } = await succeeds(['/bin/sh', '-c', here], env);
      assert.equal(stderr, '', line);
    }
    assert.deepEqual((await volsets()).get('results'), 2);
  });

  /** At the hub, with the number of their snapshots. */
  async function volsets(): Promise<Map<string, number>> {
    const listed: Document = await lab.run(['--store', hub.store, 'volset', 'list']);
    return new Map(listed.volsets.map(({ name, snapshots }: Document) => [name, snapshots]));
  }

  const filled = (line: string, run = 1): string =>
    line
      .replaceAll('https://hub.example.org', hub.url)
      .replaceAll(/\$\{\{ github\.run_id \}\}/g, `${run}`)
      .replaceAll(/\$\{\{ github\.sha \}\}/g, 'c0ffee')
      .replaceAll(/\$\{\{ secrets\.PLAIT_TOKEN \}\}/g, token);

  it('steps of a GitHub job, with and without its cache', async () => {
    const steps = stepsOf(blockOf('yaml', '## GitHub Actions')).filter(({ run }) => !run.startsWith('npm install'));
    assert.equal(steps.length, 3);
    for (const round of [1, 2]) {
      for (const { run, env } of steps) {
        const given = Object.entries(env).map(([name, value]) => [name, filled(value, round)]);
        await succeeds(
          ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c', filled(run, round)],
          Object.fromEntries(given),
        );
      }
      assert.equal(readFileSync(lab.path('fixtures', 'input'), 'utf8'), 'fixtures');
      assert.equal((await volsets()).get(`results-${round}`), 1);
      rmSync(lab.path('results'), { recursive: true });
    }
    rmSync(lab.path('fixtures'), { recursive: true });
  });

  it('the script of a GitLab job, with and without its cache', async () => {
    const lines = scriptOf(blockOf('yaml', '## GitLab CI')).filter((line) => !line.startsWith('npm install'));
    assert.equal(lines.length, 3);
    for (const _round of [1, 2]) await succeeds(['/bin/sh', '-ec', filled(lines.join('\n'))], { PLAIT_TOKEN: token });
    writeFileSync(lab.path('fixtures', 'input'), 'changed');
    const end = await shell(['/bin/sh', '-ec', filled(lines.slice(1).join('\n'))], { PLAIT_TOKEN: token });
    assert.equal(end.exit, 7, 'something changed the cached files');
  });

  if (existsSync('/usr/bin/systemd-analyze'))
    it('units: systemd finds nothing wrong with them', () => {
      const units = [...text.matchAll(/`\/etc\/systemd\/system\/(plait-\S+)`(?:(?!```).)*?```ini\n(.*?)```/gs)];
      const dir = lab.path('units');
      for (const [, name, body] of units) {
        mkdirSync(join(dir, name, '..'), { recursive: true });
        writeFileSync(join(dir, name), body.replaceAll('/usr/local/bin/plait', lab.path('bin/plait')));
      }
      const names = units.map(([, name]) => name).filter((name) => !name.includes('/'));
      assert.ok(names.length >= 6, names.join());
      const files = names.map((name) => join(dir, name.replace('@.', '@data-results.')));
      for (const [i, name] of names.entries())
        if (name.includes('@.')) writeFileSync(files[i], readFileSync(join(dir, name)));
      execFileSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', ...files], { stdio: 'pipe' });
    });
});
