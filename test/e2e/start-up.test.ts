/** What a run loads decides how long it takes to start: counted, since clocks lie on a busy machine. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Lab } from './helpers/lab.ts';
import { BIN } from './helpers/plait.ts';

const PROBE = new URL('./helpers/loaded-modules.ts', import.meta.url).href;
const isBuilt = BIN.endsWith('run.js');

interface Loaded {
  urls: string[];
  builtins: string[];
}

describe('e2e: start-up', () => {
  let lab: Lab;
  let url: string;
  before(async () => {
    lab = new Lab();
    ({ url } = await lab.hub());
    await lab.run(['init', 'work']);
    await lab.in('work', ['config', 'set', 'label', 'here']);
    await lab.in('work', ['remote', 'add', 'origin', url]);
    await lab.in('work', ['snapshot', '-m', 'first']);
    await lab.in('work', ['push']);
  });
  after(() => lab[Symbol.asyncDispose]());

  async function loadedBy(argv: string[]): Promise<Loaded> {
    const file = lab.path('loaded.json');
    await lab.text(argv, 0, {
      cwd: lab.path('work'),
      env: { NODE_OPTIONS: `--import=${PROBE}`, LOADED_MODULES: file },
    });
    return JSON.parse(readFileSync(file, 'utf8')) as Loaded;
  }

  const program = ({ urls }: Loaded): string[] => urls.filter((entry) => entry !== PROBE);
  const bytes = (urls: string[]): number => urls.reduce((sum, entry) => sum + statSync(fileURLToPath(entry)).size, 0);

  function assertWithout({ urls, builtins }: Loaded, packages: RegExp, modules: string[]): void {
    assert.deepEqual(
      urls.filter((entry) => packages.test(entry)),
      [],
    );
    assert.deepEqual(
      modules.filter((name) => builtins.includes(name)),
      [],
    );
  }

  it('--version reads a few small files', async () => {
    const loaded = await loadedBy(['--version']);
    assert.ok(program(loaded).length <= 7, program(loaded).join('\n'));
    assert.ok(bytes(program(loaded)) < 50_000);
    assertWithout(loaded, /node_modules/, ['crypto', 'sqlite', 'zlib']);
  });

  for (const argv of [
    ['branch', 'list'],
    ['config', 'get', 'label'],
    ['remote', 'list'],
    ['volset', 'list'],
    ['conflicts', 'list'],
    ['member', 'list'],
  ]) {
    it(`${argv.join(' ')} needs no blobs, threads or network`, async () => {
      const loaded = await loadedBy(argv);
      // Importing a built-in module from the sources loads more than is wanted: the bundle asks for it in another way.
      const builtins = isBuilt ? ['http', 'tls', 'worker_threads', 'zlib'] : ['http', 'tls'];
      assertWithout(loaded, /undici|fastify|\/ora\/|src\/(blob\/(?!contract)|transfer|hub)\//, builtins);
      if (!isBuilt) return;
      assert.ok(program(loaded).length <= 6, program(loaded).join('\n'));
      // 1.3 MB of it are packages. A step beyond means that one came in which this command has no use for.
      assert.ok(bytes(program(loaded)) < 3_500_000);
    });
  }

  it('a push with nothing to do makes one request, without TLS or a server', async () => {
    const loaded = await loadedBy(['push']);
    assertWithout(loaded, /fastify|\/ora\//, isBuilt ? ['tls', 'http2'] : []);
    assert.equal((await lab.in('work', ['push'])).requests, 1);
  });
});
