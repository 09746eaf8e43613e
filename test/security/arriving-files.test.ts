/** Files that arrive with data are data: whatever they are called, nothing runs them and nobody takes them for settings. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Lab } from '../e2e/helpers/lab.ts';
import { plait } from '../e2e/helpers/plait.ts';

const HOOKS = ['pre', 'post'].flatMap((when) =>
  ['snapshot', 'checkout', 'clone', 'pull', 'push', 'merge', 'commit'].map((verb) => `${when}-${verb}`),
);
const FOLDERS = ['hooks', '.hooks', '.plait-hooks', '.git/hooks', '.husky', 'plait.d'];
/** Names that somebody along the way might look up: plait, its shells and libraries, Node, npm. */
const PROGRAMS = ['plait', 'node', 'sh', 'git', 'rsync', 'zstd', 'tar', 'systemd-notify', 'bin/plait', 'Makefile'];
const SETTINGS = [
  ...[
    'plait.json',
    'plait.config.js',
    '.plaitrc',
    '.plaitrc.json',
    '.plaitconfig',
    '.plaitattributes',
    '.plaitmodules',
  ],
  ...['config', 'config.json', 'settings', 'format', 'meta.db', 'index.db', '.config/plait/config', '.gitattributes'],
];
const RUN_BY_OTHERS = [
  '.env',
  '.envrc',
  '.profile',
  '.bashrc',
  'node_modules/.hooks/load.js',
  'index.js',
  'package.json',
];

describe('files that arrive with data', function () {
  this.timeout(120_000);

  it('change no setting, and none is run, by any verb', async () => {
    await using lab = new Lab();
    const canary = lab.path('canary');
    const script = `#!/bin/sh\necho "$0 $*" >> '${canary}'\n`;
    const values = '[config]\nlabel=evil\nmax-delete=100%\n{"label":"evil","hub.audit-file":"/tmp/evil"}\n';
    const source = `require('node:fs').appendFileSync(${JSON.stringify(canary)}, 'required');\n`;
    const files: Record<string, string> = {
      ...Object.fromEntries(FOLDERS.flatMap((folder) => HOOKS.map((hook) => [`${folder}/${hook}`, script]))),
      ...Object.fromEntries([...HOOKS, ...PROGRAMS].map((name) => [name, script])),
      ...Object.fromEntries(SETTINGS.map((name) => [name, values])),
      ...Object.fromEntries(RUN_BY_OTHERS.map((name) => [name, name.endsWith('.js') ? source : script])),
      '.env': `PLAIT_LABEL=evil\nPLAIT_TOKEN=plait_evil\nNODE_OPTIONS=--require=${lab.path('job/index.js')}\n`,
      'package.json':
        '{"type":"commonjs","main":"index.js","oclif":{"plugins":["./index.js"]},"scripts":{"install":"./sh"}}',
      '.npmrc': 'script-shell=./sh\nnode-options=--require=./index.js\n',
      // What it says is about the next snapshot, as documented, and about nothing else.
      '.plaitignore': '!include /etc/passwd\n#!./sh\n$(./sh)\n`./sh`\n../*\n',
    };
    const work = await lab.volume('work');
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(work, name)), { recursive: true });
      writeFileSync(join(work, name), text, { mode: 0o755 });
    }
    await lab.in('work', ['snapshot']);
    const job = lab.path('job');
    const clean = async () => {
      const [settings, remotes] = [await lab.in('job', ['config', 'list']), await lab.in('job', ['remote', 'list'])];
      return { settings, names: remotes.remotes.map(({ name, url }: Record<string, string>) => [name, url]) };
    };
    await lab.run(['clone', work, job]);
    const before = await clean();
    assert.deepEqual(before.names, [['origin', work]]);
    assert.ok(!JSON.stringify(before).includes('evil'));
    for (const [name, text] of Object.entries(files)) assert.equal(readFileSync(join(job, name), 'utf8'), text, name);
    assert.equal(statSync(join(job, 'hooks', 'post-clone')).mode & 0o777, 0o755, 'they could be run');

    // From within the directory, where a program that is looked up here would be found.
    writeFileSync(join(job, 'more'), 'text');
    for (const argv of [['status'], ['snapshot', '--push', 'origin'], ['pull'], ['restore', 'main', 'more'], ['gc']]) {
      const end = await plait(argv, { cwd: job, env: { NOTIFY_SOCKET: lab.path('none') } });
      assert.equal(end.exit, 0, `${argv.join(' ')}: ${JSON.stringify(end)}`);
    }
    assert.deepEqual(await clean(), before);
    assert.ok(!existsSync(canary), existsSync(canary) ? readFileSync(canary, 'utf8') : '');
  });
});
