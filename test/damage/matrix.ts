/** The damage matrix: every kind of file of a store, every way of damaging it, and what has to come of it. */
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../support/seed.ts';
import { makeSample, type Program, type Sample, sameData } from './sample.ts';

export const WAYS = ['deleted', 'truncated', 'zeroed', 'older', 'flipped'] as const;
export type Way = (typeof WAYS)[number];

/** Nothing needs to be said of it, for this reason; the data must be whole all the same. */
interface Harmless {
  harmless: string;
}
type Verdict = RegExp | Harmless;

export interface FileKind {
  name: string;
  /** Below the sample's folder, in which a store was copied. */
  find: (dir: string) => string;
  /** What the damage is called; a way that is not listed cannot happen (`none`). */
  verdicts: Partial<Record<Way, Verdict>>;
  /** A flip that changes nothing that is kept is passed over in silence. */
  unusedBits?: string;
}

const all = (verdict: Verdict): Record<Way, Verdict> => ({
  deleted: verdict,
  truncated: verdict,
  zeroed: verdict,
  older: verdict,
  flipped: verdict,
});
const { older: _, ...notOlder } = all(/./);
const every = (verdict: Verdict): Partial<Record<Way, Verdict>> =>
  Object.fromEntries(Object.keys(notOlder).map((way) => [way, verdict]));

const REBUILT = { harmless: 'it is made again from the packs at the next opening, and verify notes that' };
const WRONG_TOKEN = { harmless: 'a wrong token is refused by the hub (exit 12); an empty one is named' };
const CACHE = { harmless: 'a cache: all files are read anew, and verify notes that' };

const store =
  (...names: string[]) =>
  (dir: string): string =>
    join(dir, 'work', '.plait', ...names);
/** That of the working directory: the other has next to nothing in it. */
function inVolset(dir: string): string {
  const folders = readdirSync(store('packs')(dir)).map((name) => join(store('packs')(dir), name));
  const bytes = (path: string): number =>
    readdirSync(path).reduce((sum, name) => sum + readFileSync(join(path, name)).length, 0);
  return folders.sort((a, b) => bytes(b) - bytes(a))[0];
}
const bySize = (dir: string): string[] =>
  readdirSync(inVolset(dir))
    .filter((name) => name.endsWith('.pack'))
    .map((name) => join(inVolset(dir), name))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length);
const volume =
  (name: string) =>
  (dir: string): string => {
    const root = store('volumes')(dir);
    const found = readdirSync(root).find((id) =>
      readFileSync(join(root, id, 'volume.json'), 'utf8').includes('/work"'),
    );
    return join(root, found ?? 'none', name);
  };

export const KINDS: FileKind[] = [
  { name: 'format', find: store('format'), verdicts: every(/format/) },
  {
    name: 'meta.db',
    find: store('meta.db'),
    verdicts: all(/meta\.db|metadata/),
    unusedBits: 'bytes of a database page that hold nothing',
  },
  {
    name: 'index.db',
    find: store('index.db'),
    verdicts: { deleted: REBUILT, truncated: REBUILT, zeroed: REBUILT, older: /chunk index/, flipped: /chunk index/ },
    unusedBits: 'bytes that hold nothing, or that make the next opening build it anew',
  },
  {
    name: 'index.lock',
    find: store('index.lock'),
    verdicts: every({ harmless: 'an empty file to lock, made when it is missing' }),
  },
  { name: 'a pack with data', find: (dir) => bySize(dir)[0], verdicts: every(/^pack /) },
  { name: 'a pack with a tree', find: (dir) => bySize(dir).at(-1) as string, verdicts: every(/^pack /) },
  { name: 'log.open', find: (dir) => join(inVolset(dir), 'log.open'), verdicts: all(/log\.open|generations/) },
  {
    name: 'log.open of the store itself',
    find: store('packs', '0'.repeat(32), 'log.open'),
    verdicts: all(/log\.open/),
  },
  {
    name: 'volume.json',
    find: volume('volume.json'),
    verdicts: {
      ...every(/volume\.json/),
      older: { harmless: 'the directory then differs from an older snapshot, and says so' },
    },
  },
  { name: 'stat.cache', find: volume('stat.cache'), verdicts: all(CACHE) },
  {
    name: 'a token',
    find: store('tokens', 'origin'),
    verdicts: { ...every(/tokens/), truncated: WRONG_TOKEN, flipped: WRONG_TOKEN },
  },
  {
    name: '.plait of a directory elsewhere',
    find: (dir) => join(dir, 'second', '.plait'),
    verdicts: { ...every(/\.plait/), deleted: { harmless: 'it may have been moved away on purpose: verify notes it' } },
  },
];

export interface Trial {
  kind: FileKind;
  way: Way;
  exit: number;
  silent: boolean;
}

export class Matrix implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-damage-'));
  readonly #program: Program;
  #sample: Sample | undefined;

  constructor(program: (dir: string) => Program) {
    this.#program = program(this.dir);
  }

  async prepare(): Promise<void> {
    this.#sample = await makeSample(this.#program, this.dir);
  }

  /** Damages a copy and demands that verify says so, or that nothing is lost. */
  async trial(kind: FileKind, way: Way, random: Random): Promise<Trial> {
    const sample = this.#sample as Sample;
    const verdict = kind.verdicts[way] as Verdict;
    sample.fresh();
    const path = kind.find(sample.live);
    const told = damage(path, way, random, kind.find(sample.before));
    const { exit, document } = await this.#program(['-C', join(sample.live, 'work'), 'verify', '--read-data']);
    const context = `${kind.name} ${way} ${told}: exit ${exit} ${JSON.stringify(document)}`;
    if (exit === 17) assert.match(path, /format$|meta\.db$/, context);
    else if (exit !== 0) {
      assert.equal(exit, 14, context);
      if (verdict instanceof RegExp) {
        const texts = document.damage.map((row: { what: string }) => row.what);
        assert.ok(
          texts.some((what: string) => verdict.test(what)),
          context,
        );
      }
    } else {
      const mayBeSilent = !(verdict instanceof RegExp) || (way === 'flipped' && kind.unusedBits !== undefined);
      assert.ok(mayBeSilent, `unnoticed: ${context}`);
      await sameData(this.#program, sample, context);
    }
    return { kind, way, exit, silent: exit === 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function damage(path: string, way: Way, random: Random, before: string): string {
  const bytes = readFileSync(path);
  if (way === 'deleted') rmSync(path);
  else if (way === 'zeroed') writeFileSync(path, Buffer.alloc(bytes.length));
  else if (way === 'truncated') {
    const length = bytes.length > 0 ? random.below(bytes.length) : 0;
    truncateSync(path, length);
    return `to ${length} of ${bytes.length}`;
  } else if (way === 'older') {
    assert.ok(existsSync(before), `${before}: no older version`);
    cpSync(before, path);
  } else if (bytes.length > 0) {
    const bit = random.below(bytes.length * 8);
    bytes[bit >> 3] ^= 1 << (bit & 7);
    writeFileSync(path, bytes);
    return `bit ${bit & 7} of byte ${bit >> 3} of ${bytes.length}`;
  }
  return '';
}
