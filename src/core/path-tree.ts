/**
 * Values under keys that are paths: `/a/b`, each part at least one character. What lies under `/a` is `/a` itself and
 * `/a/...`, never `/ab`; everything lies under ''.
 */
interface Node<T> {
  children: Map<string, Node<T>> | undefined;
  /** One slot, so that any value can be held, undefined too. */
  held: { value: T } | undefined;
}

const LONGEST = 4096;

/** Why text may not be a key; undefined where it may. */
export function pathKeyFault(key: string): string | undefined {
  if (key.length > LONGEST) return `a key longer than ${LONGEST} characters`;
  if (!key.startsWith('/')) return 'a key that does not begin with "/"';
  if (key.endsWith('/') || key.includes('//')) return 'a key with an empty part';
  return undefined;
}

const partsOf = (key: string): string[] => (key === '' ? [] : key.slice(1).split('/'));

/** The key and all above it, nearest first; '' is the last. */
export function* keysOver(key: string): Generator<string> {
  let end = key.length;
  while (end > 0) {
    yield key.slice(0, end);
    end = key.lastIndexOf('/', end - 1);
  }
  yield '';
}

export class PathTree<T> {
  readonly #root: Node<T> = { children: undefined, held: undefined };
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): T | undefined {
    return this.#find(key)?.held?.value;
  }

  set(key: string, value: T): void {
    let node = this.#root;
    for (const part of partsOf(key)) {
      node.children ??= new Map();
      const child: Node<T> = node.children.get(part) ?? { children: undefined, held: undefined };
      node.children.set(part, child);
      node = child;
    }
    if (node.held === undefined) this.#size++;
    node.held = { value };
  }

  delete(key: string): boolean {
    const way: [Node<T>, string][] = [];
    let node = this.#root;
    for (const part of partsOf(key)) {
      const child = node.children?.get(part);
      if (child === undefined) return false;
      way.push([node, part]);
      node = child;
    }
    if (node.held === undefined) return false;
    node.held = undefined;
    this.#size--;
    prune(way, node);
    return true;
  }

  /** Of the key itself and of all below it. Must not be changed meanwhile. */
  *under(key: string): Generator<[key: string, value: T]> {
    const start = this.#find(key);
    // No recursion: a peer decides how deep keys are.
    const stack: [string, Node<T>][] = start === undefined ? [] : [[key, start]];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const [path, node] = next;
      if (node.held !== undefined) yield [path, node.held.value];
      for (const [part, child] of node.children ?? []) stack.push([`${path}/${part}`, child]);
    }
  }

  #find(key: string): Node<T> | undefined {
    let node: Node<T> | undefined = this.#root;
    for (const part of partsOf(key)) {
      node = node.children?.get(part);
      if (node === undefined) return undefined;
    }
    return node;
  }
}

/** Takes nodes away that hold nothing any more, from the last one upwards. */
function prune<T>(way: [Node<T>, string][], last: Node<T>): void {
  let node = last;
  for (const [parent, part] of way.reverse()) {
    if (node.held !== undefined || node.children !== undefined) return;
    parent.children?.delete(part);
    if (parent.children?.size === 0) parent.children = undefined;
    node = parent;
  }
}
