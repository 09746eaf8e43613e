/** Class 10: no shell, no other program and no code from text anywhere in what is shipped. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** What reckons with addresses connects to nothing. */
const ONLY_ADDRESSES = /^import \{ (?:BlockList|isIP)(?:, (?:BlockList|isIP))* \} from 'node:net';$/gm;
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(root, 'src', name), 'utf8').replaceAll(ONLY_ADDRESSES, '') }));

const FORBIDDEN: [what: string, pattern: RegExp][] = [
  ['another program', /['"](?:node:)?(?:child_process|cluster)['"]/],
  ['a shell', /\bshell: (?:true|['"])/],
  ['code from text', /\beval\(|new Function\(|['"](?:node:)?vm['"]|eval: true/],
  ['connections past the one place for them', /['"](?:node:)?(?:net|dgram|tls)['"]/],
];
/** A hub's own sockets, and the word to the service manager. */
const ALLOWED: Record<string, string[]> = {
  'another program': ['cli/readiness.ts'],
  'connections past the one place for them': ['hub/create-hub.ts', 'hub/server.ts'],
};

describe('security: no shell', () => {
  for (const [what, pattern] of FORBIDDEN) {
    it(`the sources use ${what} nowhere`, () => {
      assert.ok(sources.length > 200);
      const found = sources.filter(({ name, text }) => !ALLOWED[what]?.includes(name) && pattern.test(text));
      assert.deepEqual(
        found.map(({ name }) => name),
        [],
      );
    });
  }

  it('the one program beside plait is named in full, gets no text as a command and no token', () => {
    const text = readFileSync(join(root, 'src/cli/readiness.ts'), 'utf8');
    assert.deepEqual(text.match(/\b(?:spawn|exec|fork)\w*\)?\([^{]*\{[^}]*\}/g), [
      "execFile)('systemd-notify', args, { env: this.#env, timeout: LIMIT_MS, killSignal: 'SIGKILL' }",
    ]);
  });

  it('the launcher starts this very program only, and without a shell', () => {
    const text = readFileSync(join(root, 'bin/launch.js'), 'utf8');
    assert.deepEqual(text.match(/\b(?:spawn|execFile|execSync|fork)\w*\([^)]*/g), [
      'spawn(node, [script].concat(process.argv.slice(2',
    ]);
    assert.doesNotMatch(text, /shell/);
  });
});
