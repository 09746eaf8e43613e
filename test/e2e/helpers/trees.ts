/** Directories to version: odd names, every kind of entry, and what becomes of them later. */
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** The same bytes for the same seed; incompressible. */
export function noise(bytes: number, seed = 1): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let state = seed * 2654435761 + 1;
  for (let at = 0; at + 4 <= bytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out.writeInt32LE(state | 0, at);
  }
  return out;
}

const raw = (dir: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${dir}/`), name]);

/** Kinds, modes, times and links. */
export function makeKinds(dir: string): void {
  for (const sub of ['a', 'a/b', 'a/empty', 'locked', 'z']) mkdirSync(join(dir, sub), { recursive: true });
  writeFileSync(join(dir, 'empty'), '');
  writeFileSync(join(dir, 'a/one.txt'), 'one\n');
  writeFileSync(join(dir, 'a/b/noise'), noise(700_000));
  writeFileSync(join(dir, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(dir, 'secret'), 'secret', { mode: 0o600 });
  writeFileSync(join(dir, 'read-only'), 'read only', { mode: 0o444 });
  linkSync(join(dir, 'a/one.txt'), join(dir, 'z/one-again.txt'));
  linkSync(join(dir, 'a/one.txt'), join(dir, 'first-link.txt'));
  symlinkSync('a/one.txt', join(dir, 'link'));
  symlinkSync('/does/not/exist', join(dir, 'dangling'));
  symlinkSync('.', join(dir, 'a/self'));
  writeFileSync(join(dir, 'old'), 'old');
  utimesSync(join(dir, 'old'), 12_345.678, 12_345.678);
  writeFileSync(join(dir, 'before-epoch'), 'x');
  utimesSync(join(dir, 'before-epoch'), -1000.5, -1000.5);
  writeFileSync(join(dir, 'far'), 'x');
  utimesSync(join(dir, 'far'), 4_102_444_800, 4_102_444_800);
  lutimesSync(join(dir, 'dangling'), 99_999, 99_999);
  writeFileSync(join(dir, 'locked/inside'), 'inside');
  chmodSync(join(dir, 'locked'), 0o555);
  utimesSync(join(dir, 'a/empty'), 1_000_000, 1_000_000);
}

/** Names that break scripts. */
export function makeOddNames(dir: string): void {
  const names = [
    'new\nline',
    'tab\tname',
    ' lead',
    'trail ',
    '-rf',
    '--',
    '__proto__',
    'constructor',
    '"quoted"',
    "it's",
  ];
  names.push('back\\slash', '*', '?', '#', '%2e', '~', '...', 'x'.repeat(255), 'e\u0301', '\u00e9', '日本語', '😀');
  names.push('CON', 'Readme', 'README', 'a:b', 'plait', '.plaitx', '\u202eevil', '\u007f', '\u0001');
  for (const name of names) writeFileSync(join(dir, name), `content of ${JSON.stringify(name)}`);
  for (const bytes of [[0xff], [0xfe, 0x2e, 0x80], [0x61, 0xc3], [0xed, 0xa0, 0x80]]) {
    writeFileSync(raw(dir, Buffer.from(bytes)), Buffer.from(bytes));
  }
  mkdirSync(raw(dir, Buffer.from([0x64, 0xff])));
  writeFileSync(Buffer.concat([raw(dir, Buffer.from([0x64, 0xff])), Buffer.from('/inside')]), 'inside');
  symlinkSync(Buffer.from([0x74, 0xff, 0x0a]), raw(dir, Buffer.from('odd link')));
  mkdirSync(join(dir, '__proto__.d', '__proto__', 'toString'), { recursive: true });
  writeFileSync(join(dir, '__proto__.d', '__proto__', 'toString', 'hasOwnProperty'), 'x');
  let deep = join(dir, 'deep');
  for (let i = 0; i < 120; i++) deep = join(deep, `level-${i}`);
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'bottom'), 'bottom');
}

/** `data` bytes every `step` bytes, holes between. */
export function makeSparse(path: string, size: number, step: number, data = 4096): void {
  const fd = openSync(path, 'w');
  try {
    for (let at = step / 2; at + data < size; at += step) writeSync(fd, noise(data, at), 0, data, at);
    ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
}

/** What a release changes: content, modes, times, names, kinds, links. */
export function changeKinds(dir: string): void {
  chmodSync(join(dir, 'locked'), 0o755);
  writeFileSync(join(dir, 'locked/inside'), 'inside, changed');
  rmSync(join(dir, 'a/empty'), { recursive: true });
  writeFileSync(join(dir, 'a/empty'), 'a file now');
  chmodSync(join(dir, 'run.sh'), 0o644);
  utimesSync(join(dir, 'secret'), 77_777, 77_777);
  renameSync(join(dir, 'a/b/noise'), join(dir, 'moved-noise'));
  rmSync(join(dir, 'link'));
  mkdirSync(join(dir, 'link'));
  writeFileSync(join(dir, 'link/in-it'), 'in it');
  rmSync(join(dir, 'empty'));
  symlinkSync('a', join(dir, 'empty'));
  rmSync(join(dir, 'z/one-again.txt'));
  writeFileSync(join(dir, 'z/one-again.txt'), 'on its own now');
  linkSync(join(dir, 'secret'), join(dir, 'z/secret-link'));
  rmSync(join(dir, 'dangling'));
  symlinkSync('/elsewhere', join(dir, 'dangling'));
  mkdirSync(join(dir, 'new-empty'));
}
