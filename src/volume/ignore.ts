/**
 * `.plaitignore`: gitignore rules, in any directory, a deeper file before a shallower one, the last matching rule
 * first. Case matters. What the base tracks stays tracked whatever the rules say (that is the caller's part).
 *
 * Names are bytes, rules are text: a name that is UTF-8 is matched as text; in any other name each byte from 0x80 on is
 * matched as the lone surrogate U+DC00 + byte, and lines of a rule file are read the same way, so a rule can spell out
 * such a name exactly and `*` matches it.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import ignore, { type Ignore } from 'ignore';
import { type PathKey, ROOT } from '../core/paths.ts';
import type { OsPath } from '../disk/beneath.ts';
import { openToRead } from '../disk/read-stable.ts';
import type { IgnoreRules } from './contract.ts';

export const RULES_NAME = '.plaitignore';
/** A rule file beyond this is refused: it is no rule file. */
const MAX_RULES = 1 << 20;
/** The matcher remembers every path that it was asked for; it is made anew after so many. */
const MAX_REMEMBERED = 10_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const hasHigh = (text: string): boolean => /[\x80-\xff]/.test(text);

/** Latin1 bytes as text to match. */
function textOf(bytes: string): string {
  if (!hasHigh(bytes)) return bytes;
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return bytes.replace(/[\x80-\xff]/g, (c) => String.fromCharCode(0xdc00 + c.charCodeAt(0)));
  }
}

/** The rules of one `.plaitignore`. */
export class Rules {
  readonly #lines: string[];
  readonly #prefix: number;
  #matcher: Ignore;
  #asked = 0;

  /** `dir` is where the file lies; `bytes` its content as latin1. */
  constructor(dir: PathKey, bytes: string) {
    this.#prefix = dir === ROOT ? 0 : dir.length + 1;
    this.#lines = bytes
      .replace(/^\xef\xbb\xbf/, '')
      .split(/\r?\n/)
      .map(textOf);
    this.#matcher = this.#make();
  }

  /** undefined where no rule of this file speaks about the path. */
  test(path: PathKey, isDir: boolean): boolean | undefined {
    if (++this.#asked > MAX_REMEMBERED) {
      this.#matcher = this.#make();
      this.#asked = 0;
    }
    const relative = path.slice(this.#prefix).split('\0').map(textOf).join('/');
    const { ignored, unignored } = this.#matcher.test(isDir ? `${relative}/` : relative);
    return ignored ? true : unignored ? false : undefined;
  }

  #make(): Ignore {
    return ignore({ ignorecase: false, allowRelativePaths: true }).add(this.#lines);
  }
}

/** What the rules of a directory, nearest last, say about a path in it: the nearest that speaks about it decides. */
export function isKeptOut(rules: readonly IgnoreRules[], path: PathKey, isDir: boolean): boolean {
  for (let i = rules.length - 1; i >= 0; i--) {
    const verdict = rules[i].test(path, isDir);
    if (verdict !== undefined) return verdict;
  }
  return false;
}

/** Reads a rule file. Throws the system's error; EFTYPE-like trouble (a link, a huge file) as a plain Error. */
export function readRules(dir: PathKey, at: OsPath): Rules {
  const fd = openToRead(at);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error('it is not a regular file');
    if (stat.size > MAX_RULES) throw new Error(`it is larger than ${MAX_RULES} bytes`);
    const bytes = Buffer.alloc(stat.size);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    return new Rules(dir, bytes.toString('latin1', 0, length));
  } finally {
    closeSync(fd);
  }
}
