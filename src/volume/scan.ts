/**
 * Walks a working directory in path order, synchronously and without an object per file. What cannot be looked at is
 * reported and marked, so that it is never taken for deleted.
 */
import { type BigIntStats, lstatSync } from 'node:fs';
import type { EntryKind } from '../core/entry.ts';
import { isReservedName } from '../core/names.ts';
import { MAX_NAME, MAX_PATH, type PathKey, ROOT } from '../core/paths.ts';
import { type OsPath, rawPath, rootText } from '../disk/beneath.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { isTempName } from '../disk/place.ts';
import type { Problem, ScanObserver } from './contract.ts';
import { isKeptOut, RULES_NAME, type Rules, readRules } from './ignore.ts';
import { contains, listNames, type NameList } from './names.ts';
import { errnoOf, problem, unreadable } from './problems.ts';

interface Level {
  key: PathKey;
  /** Key and system path with their separator appended, ready for a name. */
  keyPrefix: string;
  osPrefix: string;
  names: NameList;
  next: number;
  /** Of this directory and the nearest rules above it. */
  rules: Rules[];
  /** The directory itself is ignored: it is walked only for what the base tracks in it. */
  ignored: boolean;
  dev: bigint;
  /** The observer wants to know what is tracked in it although the rules keep it out. */
  asks: boolean;
}

export class Scan {
  /** The current item. `lost`: something is there that cannot be looked at, nor can what may be below it. */
  path: PathKey = ROOT;
  kind: EntryKind | 'lost' = 'dir';
  stats!: BigIntStats;
  /** The current directory lies on another file system than its parent. */
  isMount = false;
  /** Set when the directory before the current item could not be listed: nothing is known below it. */
  unlisted: PathKey | undefined;
  scanned = 0;

  readonly #problems: Problem[];
  readonly #observer: ScanObserver | undefined;
  readonly #levels: Level[] = [];
  #osPath = '';
  /** The current item is a directory still to be entered. */
  #pending = false;
  #pendingIgnored = false;

  /** Throws the system's error when the root itself cannot be listed. */
  constructor(root: string, problems: Problem[], observer?: ScanObserver) {
    this.#problems = problems;
    this.#observer = observer;
    this.#osPath = rootText(root);
    // The root may be reached through a link.
    this.stats = lstatSync(rawPath(`${this.#osPath}/.`), { bigint: true });
    observer?.entering(ROOT, this.#osPath, this.stats);
    this.#enter(listNames(rawPath(this.#osPath), Number(this.stats.size)), false);
  }

  /** Moves to the next item; false at the end. */
  next(): boolean {
    this.unlisted = undefined;
    if (this.#pending) this.#descend();
    while (this.#levels.length > 0) {
      const level = this.#levels[this.#levels.length - 1];
      if (level.next >= level.names.length) {
        this.#levels.pop();
        continue;
      }
      if (this.#look(level, level.names.at(level.next++))) {
        this.scanned++;
        return true;
      }
    }
    return false;
  }

  /** Does not enter the current directory. */
  skip(): void {
    this.#pending = false;
  }

  /** Enters the current directory at the next step although it is ignored: the base tracks something there. */
  enterIgnored(): void {
    this.#pendingIgnored = true;
  }

  /** What the rules say about the current item. */
  ignored(): boolean {
    const level = this.#levels[this.#levels.length - 1];
    return level.ignored || isKeptOut(level.rules, this.path, this.kind === 'dir');
  }

  /** The base tracks the current item: tells the observer where the rules alone would keep it out. */
  noteTracked(): void {
    const level = this.#levels[this.#levels.length - 1];
    if (level.asks && this.ignored()) this.#observer?.tracked(level.key);
  }

  /** The current item, for readlink. */
  osPath(): OsPath {
    return rawPath(this.#osPath);
  }

  #look(level: Level, name: string): boolean {
    const path = (level.keyPrefix + name) as PathKey;
    if (this.#leaveOut(level, name, path)) return false;
    const osPath = level.osPrefix + name;
    try {
      const stats = lstatSync(rawPath(osPath), { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) return false;
      this.stats = stats;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      this.#problems.push(unreadable(path, error));
      this.path = path;
      this.kind = 'lost';
      return true;
    }
    const kind = kindOfMode(Number(this.stats.mode));
    if (kind === undefined) {
      this.#problems.push(problem(path, 'special-file', 'a socket, pipe or device is not kept'));
      return false;
    }
    this.path = path;
    this.kind = kind;
    this.#osPath = osPath;
    if (kind === 'dir') {
      this.#pending = true;
      this.#pendingIgnored = false;
      this.isMount = this.stats.dev !== level.dev;
    }
    return true;
  }

  #leaveOut(level: Level, name: string, path: PathKey): boolean {
    if (name.charCodeAt(0) === 0x2e && isTempName(name)) return true;
    if (mayBeReserved(name.charCodeAt(0)) && isReservedName(name)) {
      if (name === '.plait' && level.key === ROOT) return true;
      if (name === '.plait') this.#problems.push(problem(path, 'nested-store', 'a store inside this one is not kept'));
      else this.#problems.push(problem(path, 'reserved-name', 'the name stands for plait’s own directory; not kept'));
      return true;
    }
    if (path.length <= MAX_PATH && name.length <= MAX_NAME) return false;
    this.#problems.push(
      problem(path, 'too-long', `a path of more than ${MAX_PATH} bytes or a name of more than ${MAX_NAME} is not kept`),
    );
    return true;
  }

  #descend(): void {
    this.#pending = false;
    let names: NameList;
    try {
      // Before it is listed: whatever comes into it later is told.
      this.#observer?.entering(this.path, this.#osPath, this.stats);
      names = listNames(rawPath(this.#osPath), Number(this.stats.size));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      this.#problems.push(unreadable(this.path, error));
      this.unlisted = this.path;
      return;
    }
    this.#enter(names, this.#pendingIgnored);
  }

  #enter(names: NameList, ignored: boolean): void {
    const above = this.#levels.at(-1);
    const level: Level = {
      key: this.path,
      keyPrefix: this.path === ROOT ? '' : `${this.path}\0`,
      osPrefix: `${this.#osPath}/`,
      names,
      next: 0,
      rules: above?.rules ?? [],
      ignored: ignored || above?.ignored === true,
      dev: this.stats.dev,
      asks: false,
    };
    if (!level.ignored && contains(names, RULES_NAME)) this.#addRules(level);
    level.asks = this.#observer?.entered(level.key, level.ignored ? undefined : level.rules) ?? false;
    this.#levels.push(level);
  }

  #addRules(level: Level): void {
    try {
      level.rules = [...level.rules, readRules(level.key, rawPath(level.osPrefix + RULES_NAME))];
    } catch (error) {
      const path = (level.keyPrefix + RULES_NAME) as PathKey;
      this.#problems.push(problem(path, 'bad-rules', `its rules are not used: ${(error as Error).message}`));
    }
  }
}

/** Cheap first look: every reserved name begins with white space, a dot, p, or a character beyond ASCII. */
const mayBeReserved = (first: number): boolean =>
  first === 0x2e || first === 0x70 || first === 0x50 || first <= 0x20 || first > 0x7e;
