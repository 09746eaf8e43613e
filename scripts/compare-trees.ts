/**
 * Compares two directories on its own, sharing no code with plait: names, kinds, permission bits, times to the second,
 * link targets, hard-link groups and every byte. Returns one line per difference.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

const IGNORED = '.plait';

interface Seen {
  kind: string;
  facts: string;
}

export function compareTrees(a: string, b: string): { differences: string[]; files: number; bytes: number } {
  const [left, right] = [describe(a), describe(b)];
  const differences: string[] = [];
  for (const name of new Set([...left.seen.keys(), ...right.seen.keys()])) {
    const [one, two] = [left.seen.get(name), right.seen.get(name)];
    const shown = Buffer.from(name, 'latin1').toString('utf8');
    if (!one) differences.push(`only in ${b}: ${shown}`);
    else if (!two) differences.push(`only in ${a}: ${shown}`);
    else if (one.kind !== two.kind || one.facts !== two.facts) {
      differences.push(`${shown}: ${one.kind} ${one.facts} / ${two.kind} ${two.facts}`);
    }
  }
  return { differences, files: left.files, bytes: left.bytes };
}

function describe(root: string): { seen: Map<string, Seen>; files: number; bytes: number } {
  const seen = new Map<string, Seen>();
  const firstOfInode = new Map<bigint, string>();
  let files = 0;
  let bytes = 0;
  const visit = (folder: Buffer, prefix: string): void => {
    const names = readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare);
    for (const name of names) {
      const relative = prefix + name.toString('latin1');
      if (relative === IGNORED) continue;
      const path = Buffer.concat([folder, Buffer.from('/'), name]);
      const stat = lstatSync(path, { bigint: true });
      if (stat.isDirectory()) {
        seen.set(relative, { kind: 'dir', facts: (stat.mode & 0o777n).toString(8) });
        visit(path, `${relative}/`);
      } else if (stat.isSymbolicLink()) {
        seen.set(relative, { kind: 'symlink', facts: readlinkSync(path, { encoding: 'buffer' }).toString('hex') });
      } else {
        files++;
        bytes += Number(stat.size);
        seen.set(relative, { kind: 'file', facts: fileFacts(path, stat, relative, firstOfInode) });
      }
    }
  };
  visit(Buffer.from(root), '');
  return { seen, files, bytes };
}

function fileFacts(path: Buffer, stat: BigIntStats, relative: string, firstOfInode: Map<bigint, string>): string {
  const first = stat.nlink > 1n ? (firstOfInode.get(stat.ino) ?? relative) : '';
  if (stat.nlink > 1n) firstOfInode.set(stat.ino, first);
  const facts = [stat.mode & 0o777n, stat.size, stat.mtimeNs / 1_000_000_000n, first, digest(path)];
  return facts.join(' ');
}

const piece = Buffer.alloc(1 << 20);

function digest(path: Buffer): string {
  const hash = createHash('md5');
  const fd = openSync(path, 'r');
  for (let n = readSync(fd, piece); n > 0; n = readSync(fd, piece)) hash.update(piece.subarray(0, n));
  closeSync(fd);
  return hash.digest('hex');
}
