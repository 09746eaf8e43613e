/**
 * Directories that came up since the last scan, some of them with a tree below: watched at once, so that a long copy is
 * noticed as long as it goes on. Only so much at a time; the next scan does the rest.
 */
import { type BigIntStats, lstatSync } from 'node:fs';
import { isReservedName } from '../../core/names.ts';
import type { PathKey } from '../../core/paths.ts';
import { rawPath } from '../../disk/beneath.ts';
import { isTempName } from '../../disk/place.ts';
import type { IgnoreRules } from '../contract.ts';
import { isKeptOut, RULES_NAME, readRules } from '../ignore.ts';
import { contains, listNames, type NameList } from '../names.ts';

/** Names that wait for a look, and names that are looked at in one go. */
const MAX_WAITING = 4096;
const MAX_LOOKS = 16_384;
const PAUSE_MS = 20;

interface Owner {
  /** Watches it; false where that is not possible. */
  add(path: PathKey, at: string, stats: BigIntStats, rules: readonly IgnoreRules[] | undefined): boolean;
  isKnown(path: PathKey, stats: BigIntStats): boolean;
}

interface Found {
  path: PathKey;
  at: string;
  rules: readonly IgnoreRules[] | undefined;
}

export interface NewDirectories {
  /** Something appeared at `path`, perhaps a directory. `rules`: of the directory around it. */
  look(path: PathKey, at: string, rules: readonly IgnoreRules[] | undefined): void;
  stop(): void;
}

export function newDirectories(owner: Owner): NewDirectories {
  const waiting = new Map<PathKey, Found>();
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    const stack = [...waiting.values()];
    waiting.clear();
    for (let looks = 0; stack.length > 0 && looks < MAX_LOOKS; looks++) {
      const below = adopt(owner, stack.pop()!);
      if (stack.length + below.length <= MAX_LOOKS) stack.push(...below);
    }
  };
  return {
    look(path, at, rules) {
      if (waiting.size >= MAX_WAITING) return;
      waiting.set(path, { path, at, rules });
      timer ??= setTimeout(flush, PAUSE_MS).unref();
    },
    stop() {
      clearTimeout(timer);
      waiting.clear();
    },
  };
}

/** Its entries, where it is a directory that was not known and is to be watched. */
function adopt(owner: Owner, { path, at, rules }: Found): Found[] {
  try {
    const stats = lstatSync(rawPath(at), { bigint: true });
    if (!stats.isDirectory() || owner.isKnown(path, stats) || isKeptOut(rules ?? [], path, true)) return [];
    if (!owner.add(path, at, stats, rules)) return [];
    const names = listNames(rawPath(at), Number(stats.size));
    return entriesOf({ path, at, rules: rules && withOwn(path, at, rules, names) }, names);
  } catch {
    // A hint that came too late, or a directory that is closed to us: the next scan looks and says so.
    return [];
  }
}

function entriesOf({ path, at, rules }: Found, names: NameList): Found[] {
  const found: Found[] = [];
  for (let i = 0; i < names.length && found.length < MAX_LOOKS; i++) {
    const name = names.at(i);
    if (isTempName(name) || isReservedName(name)) continue;
    found.push({ path: `${path}\0${name}` as PathKey, at: `${at}/${name}`, rules });
  }
  return found;
}

function withOwn(path: PathKey, at: string, rules: readonly IgnoreRules[], names: NameList): readonly IgnoreRules[] {
  return contains(names, RULES_NAME) ? [...rules, readRules(path, rawPath(`${at}/${RULES_NAME}`))] : rules;
}
