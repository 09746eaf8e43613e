/** What differs between two trees: both are walked side by side, and subtrees with one id are stepped over unread. */
import type { Change } from '../../core/entry.ts';
import type { NodeId } from '../../core/ids.ts';
import { type PathKey, ROOT } from '../../core/paths.ts';
import type { NodeSource } from '../contract.ts';
import { Cursor } from './cursor.ts';

export function* diff(source: NodeSource, from: NodeId, to: NodeId, start: PathKey = ROOT): Generator<Change> {
  if (from === to) return;
  const a = new Cursor(source, from);
  const b = new Cursor(source, to);
  // From the beginning on, equal subtrees are to be stepped over unread: seeking would go into the first.
  if (start !== ROOT) for (const cursor of [a, b]) cursor.seek(start);
  while (a.key !== undefined || b.key !== undefined) {
    if (a.node && b.node && a.node.id === b.node.id) {
      a.next();
      b.next();
    } else if (b.key === undefined || (a.key !== undefined && a.key < b.key)) {
      if (a.node) a.descend();
      else {
        yield { path: a.key ?? ROOT, before: a.entry() };
        a.next();
      }
    } else if (a.key === undefined || b.key < a.key) {
      if (b.node) b.descend();
      else {
        yield { path: b.key, after: b.entry() };
        b.next();
      }
    } else if (a.node || b.node) descendHigher(a, b);
    else {
      if (Buffer.compare(a.encoded(), b.encoded()) !== 0) yield { path: a.key, before: a.entry(), after: b.entry() };
      a.next();
      b.next();
    }
  }
}

/** Both begin at one key: the higher one is opened, both if they are alike, so that equal subtrees come to face each other. */
function descendHigher(a: Cursor, b: Cursor): void {
  const heightA = a.node ? a.node.level : -1;
  const heightB = b.node ? b.node.level : -1;
  if (heightA >= heightB) a.descend();
  if (heightB >= heightA) b.descend();
}
