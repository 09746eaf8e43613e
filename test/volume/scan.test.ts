import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { NameBytes } from '../../src/volume/names.ts';
import { Scan } from '../../src/volume/scan.ts';
import { Lab } from './harness.ts';

/** A child process as another uid, which `chmod` does stop: what it finds as JSON lines. */
function asOther(lab: Lab, script: string): unknown {
  const child = join(lab.top, 'child.ts');
  fs.writeFileSync(child, script);
  const run = process.getuid!() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : ['env'];
  const out = execFileSync(run[0], [...run.slice(1), process.execPath, child], { encoding: 'utf8' });
  return JSON.parse(out);
}

describe('scan', () => {
  it('sorts the names of a large folder as bytes', () => {
    const byte = fc.integer({ min: 1, max: 255 }).filter((c) => c !== 0x2f);
    const name = fc.array(byte, { minLength: 1, maxLength: 8 }).map((c) => String.fromCharCode(...c));
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 400 }), (names) => {
        const list = new NameBytes();
        for (const one of names) list.add(one);
        list.sort();
        assert.deepEqual(
          Array.from({ length: list.length }, (_, i) => list.at(i)),
          names.sort(),
        );
      }),
    );
  });

  it('goes through a large flat folder in order', () => {
    using lab = new Lab();
    fs.mkdirSync(lab.at('big'));
    const long = 'x'.repeat(60);
    for (let i = 0; i < 3000; i++) fs.writeFileSync(lab.at(`big/${long}${(i * 7919) % 3000}`), '');
    assert.ok(fs.statSync(lab.at('big')).size > 64 * 1024, 'large enough for names as bytes');
    const scan = new Scan(lab.dir, []);
    const seen: string[] = [];
    while (scan.next()) seen.push(scan.path);
    assert.equal(seen.length, 3001);
    assert.deepEqual(seen, [...seen].sort());
  });

  it('goes from a folder to its content before any longer sibling', () => {
    using lab = new Lab();
    for (const path of ['a/x', 'a.b', 'a-b', 'ab/y']) lab.write(path, '');
    const scan = new Scan(lab.dir, []);
    const seen: string[] = [];
    while (scan.next()) seen.push(scan.path.replaceAll('\0', '/'));
    assert.deepEqual(seen, ['a', 'a/x', 'a-b', 'a.b', 'ab', 'ab/y']);
  });

  it('throws for a root that is not there', () => {
    assert.throws(() => new Scan('/nowhere/at/all', []), { code: 'ENOENT' });
  });

  it('never takes for deleted what it cannot look at', async () => {
    using lab = new Lab();
    for (const path of ['closed/a', 'closed/sub/b', 'listed/c', 'z']) lab.write(path, path);
    const root = await lab.snapshot();
    fs.chmodSync(lab.at('closed'), 0);
    fs.chmodSync(lab.at('listed'), 0o444);
    fs.chmodSync(lab.top, 0o755);
    const own = (path: string): void => {
      if (process.getuid!() === 0) fs.lchownSync(path, 65534, 65534);
    };
    execFileSync('chown', process.getuid!() === 0 ? ['-R', '65534:65534', lab.top] : ['--version']);
    own(lab.top);
    const module = (name: string): string => JSON.stringify(new URL(`../../src/volume/${name}`, import.meta.url).href);
    const found = asOther(
      lab,
      `
      import { Scan } from ${module('scan.ts')};
      import { Pairs } from ${module('pairs.ts')};
      import { EntriesCursor } from ${module('stat-cache.ts')};
      const paths = ${JSON.stringify(lab.paths(root))};
      const base = new EntriesCursor(() => paths.map((p) => ({ path: p.replaceAll('/', '\\0'), bytes: Buffer.from([1]) })));
      const problems = [];
      const pairs = new Pairs(new Scan(${JSON.stringify(lab.dir)}, problems), base);
      const seen = [];
      for (let side = pairs.next(); side !== 0; side = pairs.next()) {
        seen.push(side + ' ' + (side === 2 ? pairs.scan.path : base.path) + ' ' + pairs.scan.kind);
      }
      console.log(JSON.stringify({ uid: process.getuid(), seen, problems: problems.map((p) => p.what + ' ' + p.path) }));
    `,
    );
    assert.deepEqual(found, {
      uid: process.getuid!() === 0 ? 65534 : process.getuid!(),
      seen: [
        '1 closed dir',
        '4 closed\0a dir',
        '4 closed\0sub dir',
        '4 closed\0sub\0b dir',
        '1 listed dir',
        '1 listed\0c lost',
        '1 z file',
      ],
      problems: ['unreadable closed', 'unreadable listed\0c'],
    });
    fs.chmodSync(lab.at('closed'), 0o755);
    fs.chmodSync(lab.at('listed'), 0o755);
  });
});
