/**
 * A tree as people have it: sources in folders of folders, and one flat folder with a quarter of all files. Contents are
 * texts that follow from path and version alone, alike but for a line, so that diffs of them show something.
 */
import type { Entry } from '../../src/core/entry.ts';
import { joinKey, keyOfText, type PathKey, parentKey } from '../../src/core/paths.ts';
import { Chance } from './chance.ts';

export const FLAT = 'images';

const AREAS = ['drivers', 'arch', 'fs', 'net', 'sound', 'docs', 'tools', 'models', 'lib', 'tests'];
const PARTS = [
  'amd',
  'core',
  'usb',
  'video',
  'power',
  'cluster',
  'index',
  'schema',
  'codec',
  'weights',
  'queue',
  'meta',
];
const ENDINGS = ['c', 'h', 'c', 'h', 'txt', 'json', 'csv', 'md', 'py', 'yaml'];
const FILES_A_FOLDER = 24;

/** Paths of `count` files, of which a quarter lies in the flat folder. */
export function pathsOf(count: number): PathKey[] {
  const flat = Math.floor(count / 4);
  const paths = Array.from({ length: flat }, (_, i) => keyOfText(`${FLAT}/IMG_${String(i).padStart(6, '0')}.txt`));
  const chance = new Chance(1);
  for (let folder = 0; paths.length < count; folder++) {
    const dir = folderOf(chance, folder);
    const files = Math.min(1 + chance.below(2 * FILES_A_FOLDER), count - paths.length);
    for (let i = 0; i < files; i++)
      paths.push(joinKey(dir, `${chance.of(PARTS)}-${chance.of(PARTS)}-${i}.${chance.of(ENDINGS)}`));
  }
  return paths;
}

function folderOf(chance: Chance, number: number): PathKey {
  const parts = [chance.of(AREAS), chance.of(PARTS)];
  for (let depth = chance.below(4); depth > 0; depth--) parts.push(`${chance.of(PARTS)}${chance.below(6)}`);
  return keyOfText([...parts, `unit${number}`].join('/'));
}

/** Entries of these files and of all folders above them, in path order. */
export function* entriesOf(paths: PathKey[], fileOf: (path: PathKey) => Entry): Generator<Entry> {
  const folders = new Set<PathKey>();
  for (const path of paths) {
    for (let dir = parentKey(path); dir !== '' && !folders.has(dir); dir = parentKey(dir)) folders.add(dir);
  }
  const order = [...paths.map((path) => ({ path, dir: false })), ...[...folders].map((path) => ({ path, dir: true }))];
  order.sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, dir } of order) {
    yield dir ? { path, kind: 'dir', mode: 0o755, mtime: 0n, size: 0 } : fileOf(path);
  }
}

const WORDS = ['buffer', 'header', 'lock', 'page', 'queue', 'return', 'sample', 'state', 'table', 'value', 'weight'];

export function textOf(path: PathKey, version: number): string {
  const chance = new Chance(seedOf(path));
  const lines = 4 + chance.below(40);
  const changed = version % lines;
  let text = '';
  for (let i = 0; i < lines; i++) {
    text += `${i} ${chance.of(WORDS)} ${chance.of(WORDS)} = ${chance.below(1e6)}`;
    text += i === changed ? ` # edit ${version}\n` : '\n';
  }
  return text;
}

const seedOf = (path: PathKey): number => {
  let seed = 0;
  for (let i = 0; i < path.length; i++) seed = (Math.imul(seed, 31) + path.charCodeAt(i)) | 0;
  return seed;
};
