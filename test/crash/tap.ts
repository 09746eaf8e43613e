/**
 * Stands between plait and everything that changes files: the functions of node:fs that src/disk uses, and the commits
 * of SQLite. Somebody listens (the recorder) or makes a call fail (the faults); else all goes through as it is.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** One change as the disk sees it. Paths are absolute, bytes as latin1; files are known by their inodes. */
export type Change =
  | { op: 'create' | 'mkdir'; path: string; ino: number; mode: number }
  | { op: 'symlink'; path: string; ino: number; target: string }
  | { op: 'write'; ino: number; at: number; bytes: Buffer }
  | { op: 'truncate'; ino: number; length: number }
  | { op: 'mode'; ino: number; mode: number }
  | { op: 'time'; ino: number; mtime: number }
  | { op: 'sync'; ino: number }
  | { op: 'rename'; from: string; to: string }
  | { op: 'link'; from: string; to: string }
  | { op: 'remove'; path: string }
  /** What the database holds after a commit, which is one step. */
  | { op: 'commit'; path: string; ino: number; main: Buffer; wal: Buffer };

export interface Listener {
  /** Paths below this folder only. */
  root: string;
  /** Before a call; what it throws is what the caller gets. */
  before?(name: string, path: string): void;
  after?(change: Change): void;
}

interface Tap {
  listener?: Listener;
}
const KEY = Symbol.for('plait.test.tap');
const globals = globalThis as unknown as Record<symbol, Tap | undefined>;
const installed = globals[KEY] !== undefined;
globals[KEY] ??= {};
const tap: Tap = globals[KEY];

export const listen = (listener: Listener | undefined): void => {
  tap.listener = listener;
};

// biome-ignore lint/suspicious/noExplicitAny: functions of node:fs, whatever they take
type Any = any;
const real = { ...fs };

/** As the kernel would read it, without following the last part. */
function pathOf(path: Any): string {
  const text = Buffer.isBuffer(path) ? path.toString('latin1') : Buffer.from(String(path), 'utf8').toString('latin1');
  const match = /^\/proc\/self\/fd\/(\d+)(.*)$/.exec(text);
  return match ? fdPath(Number(match[1])) + match[2] : text;
}

function fdPath(fd: number): string {
  try {
    return real.readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' });
  } catch {
    return '';
  }
}

const raw = (path: string): Buffer => Buffer.from(path, 'latin1');
const isBelow = (root: string, path: string): boolean => path === root || path.startsWith(`${root}/`);

/** Undefined where nobody listens to this path. */
function heard(path: string): Listener | undefined {
  const { listener } = tap;
  return listener && isBelow(listener.root, path) ? listener : undefined;
}

const inoOf = (path: string): number => real.lstatSync(raw(path)).ino;
const inoOfFd = (fd: number): number => real.fstatSync(fd).ino;
/** Where the next write without a position goes. */
const positions = new Map<number, number>();

const mutable = fs as unknown as Record<string, Any>;

function wrap(name: string, make: (call: Any) => Any): void {
  mutable[name] = make(mutable[name]);
}

/** A call about a path, and what it changed. */
function wrapPath(name: string, changes: (listener: Listener, path: string, args: Any[]) => void): void {
  wrap(name, (call) => (...args: Any[]) => {
    const path = pathOf(args[0]);
    const listener = heard(path) ?? (name === 'renameSync' ? heard(pathOf(args[1])) : undefined);
    if (!listener) return call(...args);
    listener.before?.(name, path);
    const result = call(...args);
    if (listener.after) changes(listener, path, args);
    return result;
  });
}

function wrapFd(name: string, change: (fd: number, args: Any[], result: Any) => Change): void {
  wrap(name, (call) => (...args: Any[]) => {
    const fd = args[0] as number;
    const listener = tap.listener && heard(fdPath(fd));
    if (!listener) return call(...args);
    listener.before?.(name, fdPath(fd));
    const result = call(...args);
    if (listener.after) listener.after(change(fd, args, result));
    return result;
  });
}

/** With a callback, on another thread. */
function wrapAsyncFd(name: string, change: (fd: number) => Change): void {
  wrap(name, (call) => (fd: number, done: (error: unknown) => void) => {
    const listener = tap.listener && heard(fdPath(fd));
    if (!listener) return call(fd, done);
    try {
      listener.before?.(name, fdPath(fd));
    } catch (error) {
      process.nextTick(done, error);
      return;
    }
    const known = change(fd);
    call(fd, (error: unknown) => {
      if (!error) listener.after?.(known);
      done(error);
    });
  });
}

const seconds = (time: Any): number => Number(time);

function install(): void {
  wrap('openSync', (call) => (path: Any, flags: Any = 'r', mode: Any = 0o666) => {
    const at = pathOf(path);
    const listener = heard(at);
    if (!listener) return call(path, flags, mode);
    listener.before?.(flags === 'r' ? 'openSync:r' : 'openSync', at);
    const was = real.lstatSync(raw(at), { throwIfNoEntry: false });
    const fd = call(path, flags, mode) as number;
    positions.set(fd, 0);
    if (!listener.after) return fd;
    const stat = real.fstatSync(fd);
    if (!was) listener.after({ op: 'create', path: at, ino: stat.ino, mode: stat.mode });
    else if (flags === 'w') listener.after({ op: 'truncate', ino: stat.ino, length: 0 });
    return fd;
  });
  wrapFd('writeSync', (fd, [, bytes, offset, length, position], written) => {
    const at = typeof position === 'number' ? position : (positions.get(fd) ?? 0);
    if (typeof position !== 'number') positions.set(fd, at + written);
    const view = bytes as Uint8Array;
    const start = offset ?? 0;
    return { op: 'write', ino: inoOfFd(fd), at, bytes: Buffer.from(view.subarray(start, start + (written ?? length))) };
  });
  wrapFd('ftruncateSync', (fd, [, length]) => ({ op: 'truncate', ino: inoOfFd(fd), length: length ?? 0 }));
  wrapFd('fsyncSync', (fd) => ({ op: 'sync', ino: inoOfFd(fd) }));
  wrapFd('fchmodSync', (fd) => ({ op: 'mode', ino: inoOfFd(fd), mode: real.fstatSync(fd).mode }));
  wrapFd('futimesSync', (fd, [, , time]) => ({ op: 'time', ino: inoOfFd(fd), mtime: seconds(time) }));
  wrapAsyncFd('fsync', (fd) => ({ op: 'sync', ino: inoOfFd(fd) }));
  wrapAsyncFd('fdatasync', (fd) => ({ op: 'sync', ino: inoOfFd(fd) }));
  wrap('mkdirSync', () => (path: Any, options: Any) => {
    const at = pathOf(path);
    const listener = heard(at);
    listener?.before?.('mkdirSync', at);
    const missing = listener ? missingOf(at) : [];
    const made = real.mkdirSync(path, options);
    for (const one of missing) {
      const { ino, mode } = real.lstatSync(raw(one));
      listener?.after?.({ op: 'mkdir', path: one, ino, mode });
    }
    return made;
  });
  wrap('symlinkSync', () => (target: Any, path: Any, ...rest: Any[]) => {
    const at = pathOf(path);
    const listener = heard(at);
    listener?.before?.('symlinkSync', at);
    real.symlinkSync(target, path, ...rest);
    listener?.after?.({ op: 'symlink', path: at, ino: inoOf(at), target: Buffer.from(target).toString('latin1') });
  });
  wrapPath('renameSync', ({ after }, from, [, to]) => after?.({ op: 'rename', from, to: pathOf(to) }));
  wrapPath('linkSync', ({ after }, from, [, to]) => after?.({ op: 'link', from, to: pathOf(to) }));
  wrapPath('unlinkSync', ({ after }, path) => after?.({ op: 'remove', path }));
  wrapPath('rmdirSync', ({ after }, path) => after?.({ op: 'remove', path }));
  for (const name of ['utimesSync', 'lutimesSync']) {
    wrapPath(name, ({ after }, path, [, , time]) => after?.({ op: 'time', ino: inoOf(path), mtime: seconds(time) }));
  }
  wrapPath('chmodSync', ({ after }, path) => {
    const { ino, mode } = real.lstatSync(raw(path));
    after?.({ op: 'mode', ino, mode });
  });
  wrap('rmSync', () => (path: Any, options: Any) => {
    const at = pathOf(path);
    const listener = heard(at);
    if (!listener) return real.rmSync(path, options);
    listener.before?.('rmSync', at);
    const gone = real.lstatSync(raw(at), { throwIfNoEntry: false }) ? below(at) : [];
    real.rmSync(path, options);
    for (const one of gone) listener.after?.({ op: 'remove', path: one });
  });
  syncBuiltinESMExports();
  installDatabases();
}

/** What mkdir has to make, the topmost first. */
function missingOf(path: string): string[] {
  if (path === '/' || real.lstatSync(raw(path), { throwIfNoEntry: false })) return [];
  return [...missingOf(dirname(path)), path];
}

/** A path and all below it, the deepest first. */
function below(path: string): string[] {
  if (!real.lstatSync(raw(path)).isDirectory()) return [path];
  const names = real.readdirSync(raw(path), { encoding: 'latin1' }) as string[];
  return [...names.flatMap((name) => below(`${path}/${name}`)), path];
}

/** Folders and files that are synced by their names. */
async function installHandles(): Promise<void> {
  const handle = await fs.promises.open('/dev/null', 'r');
  const prototype = Object.getPrototypeOf(handle);
  const { sync } = prototype;
  prototype.sync = async function (this: { fd: number }) {
    const listener = tap.listener && heard(fdPath(this.fd));
    listener?.before?.('fsync', fdPath(this.fd));
    await sync.call(this);
    listener?.after?.({ op: 'sync', ino: inoOfFd(this.fd) });
  };
  await handle.close();
}

const seen = new Map<string, string>();

/** The descriptor is never closed: closing it would drop the locks that SQLite holds on the file in this process. */
function contentOf(path: string): Buffer {
  const stat = real.statSync(path, { throwIfNoEntry: false });
  if (!stat) return Buffer.alloc(0);
  const fd = real.openSync(path, 'r');
  const bytes = Buffer.alloc(stat.size);
  real.readSync(fd, bytes, 0, bytes.length, 0);
  return bytes;
}

const isLock = (path: string): boolean => path.endsWith('.lock') || path.includes('scratch');

function committed(db: DatabaseSync): void {
  const path = db.isOpen ? db.location() : null;
  const listener = path === null ? undefined : heard(path);
  if (!path || !listener?.after || db.isTransaction || isLock(path)) return;
  const [main, wal] = [contentOf(path), contentOf(`${path}-wal`)];
  const digest = `${fs.statSync(path).ino}:${main.length}:${wal.length}:${hashOf(main)}:${hashOf(wal)}`;
  if (seen.get(path) === digest) return;
  seen.set(path, digest);
  listener.after({ op: 'commit', path, ino: inoOf(path), main, wal });
}

/** Quick and good enough to tell two states of one file apart. */
function hashOf(bytes: Buffer): number {
  let hash = 0;
  for (let i = 0; i + 4 <= bytes.length; i += 4) hash = (Math.imul(hash, 31) + bytes.readInt32LE(i)) | 0;
  return hash;
}

const WRITES =
  /^\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|COMMIT|PRAGMA (wal_checkpoint|journal_mode *=|user_version *=))/i;

function failing(db: DatabaseSync, sql: string): void {
  const path = db.isOpen ? db.location() : null;
  const listener = path === null ? undefined : heard(path);
  if (path && listener?.before && WRITES.test(sql) && !isLock(path)) listener.before('sqlite', path);
}

function installDatabases(): void {
  const prototype = DatabaseSync.prototype as Any;
  const { exec, prepare } = prototype;
  prototype.exec = function (this: DatabaseSync, sql: string) {
    if (!tap.listener) return exec.call(this, sql);
    failing(this, sql);
    const result = exec.call(this, sql);
    committed(this);
    return result;
  };
  const owners = new WeakMap<StatementSync, { db: DatabaseSync; sql: string }>();
  prototype.prepare = function (this: DatabaseSync, sql: string, ...rest: Any[]) {
    const statement = prepare.call(this, sql, ...rest) as StatementSync;
    owners.set(statement, { db: this, sql });
    if (!wrapped) wrapStatements(Object.getPrototypeOf(statement), owners);
    return statement;
  };
}

let wrapped = false;

function wrapStatements(prototype: Any, owners: WeakMap<StatementSync, { db: DatabaseSync; sql: string }>): void {
  wrapped = true;
  for (const name of ['run', 'get', 'all']) {
    const call = prototype[name];
    prototype[name] = function (this: StatementSync, ...args: Any[]) {
      const owner = tap.listener && owners.get(this);
      if (owner) failing(owner.db, owner.sql);
      const result = call.apply(this, args);
      if (owner && WRITES.test(owner.sql)) committed(owner.db);
      return result;
    };
  }
}

if (!installed) {
  install();
  await installHandles();
}
