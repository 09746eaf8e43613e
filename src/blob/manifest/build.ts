/** Writing trees: from all entries, or from an older tree and what changed. */
import type { Change, Entry } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import { itemsOf } from '../../core/flat.ts';
import type { NodeId } from '../../core/ids.ts';
import type { PathKey } from '../../core/paths.ts';
import type { NodeSink, NodeSource } from '../contract.ts';
import { Cursor } from './cursor.ts';
import { TreeWriter } from './tree-writer.ts';

export function build(sink: NodeSink, entries: Iterable<Entry>): NodeId {
  const out = new TreeWriter(sink);
  for (const entry of entries) out.put(entry);
  return out.finish();
}

export function patch(source: NodeSource, sink: NodeSink, root: NodeId, changes: Iterable<Change>): NodeId {
  const patcher = new Patcher(source, sink, root);
  for (const change of changes) patcher.put(change);
  return patcher.finish();
}

export async function patchAsync(
  source: NodeSource,
  sink: NodeSink,
  root: NodeId,
  changes: AsyncIterable<Change>,
): Promise<NodeId> {
  const patcher = new Patcher(source, sink, root);
  const items = itemsOf(changes);
  let ended = false;
  try {
    for (;;) {
      const step = items.next();
      const next = step instanceof Promise ? await step : step;
      ended = next.done === true;
      if (next.done) break;
      patcher.put(next.value);
    }
  } finally {
    if (!ended) await items.return?.();
  }
  return patcher.finish();
}

/** Takes changes in path order. What a change makes of a path counts, whatever was there before. */
class Patcher {
  readonly #source: NodeSource;
  readonly #root: NodeId;
  readonly #out: TreeWriter;
  #old: Cursor | undefined;
  #last: PathKey | undefined;

  constructor(source: NodeSource, sink: NodeSink, root: NodeId) {
    this.#source = source;
    this.#root = root;
    this.#out = new TreeWriter(sink);
  }

  put({ path, after }: Change): void {
    if (this.#last !== undefined && path <= this.#last) {
      throw new PlaitError('unexpected', 'changes to a manifest must come in ascending order');
    }
    if (after && after.path !== path) throw new PlaitError('unexpected', 'a change names another path than its entry');
    this.#last = path;
    this.#old ??= new Cursor(this.#source, this.#root);
    this.#copyUntil(this.#old, path);
    if (this.#old.leaf && this.#old.key === path) this.#old.next();
    if (after) this.#out.put(after);
  }

  finish(): NodeId {
    if (!this.#old) return this.#root;
    this.#copyUntil(this.#old, undefined);
    return this.#out.finish(this.#source);
  }

  /** Takes over what lies before `path`, whole nodes where the new tree stands at the beginning of one. */
  #copyUntil(old: Cursor, path: PathKey | undefined): void {
    while (old.key !== undefined && (path === undefined || old.key <= path)) {
      if (old.node) {
        const end = old.end();
        const whole = path === undefined || (end !== undefined && end <= path);
        if (whole && this.#out.aligned(old.node.level)) {
          this.#out.putNode(old.node);
          old.next();
        } else old.descend();
      } else if (old.key === path) return;
      else if (old.leaf) {
        this.#out.putCopy(old.leaf);
        old.next();
      }
    }
  }
}
