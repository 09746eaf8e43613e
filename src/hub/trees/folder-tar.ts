/** A folder of a snapshot, one of its files, or all of it as a tar stream. */
import type { Entry } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import { pathFault } from '../../core/names.ts';
import { isWithin, type PathKey, parentKey, ROOT } from '../../core/paths.ts';
import { contentOf } from './content.ts';
import { padding, TAR_END, type TarItem, tarHeader } from './tar-header.ts';
import type { Tree } from './tree.ts';

/** Name of what a path names: of the root, which has none, that of its snapshot. */
export const tarName = ({ snapshot }: Tree, path: PathKey): string =>
  path === ROOT ? `snapshot-${snapshot.slice(0, 12)}` : path.slice(path.lastIndexOf('\0') + 1);

/** Names begin with that of the folder itself. Reads no more than a piece of a file ahead. */
export function* folderTar(tree: Tree, folder: PathKey): Generator<Uint8Array> {
  const { manifest, reader, root, created } = tree;
  const unknown = BigInt(created) * 1_000_000n;
  const name = namesBelow(tree, folder);
  if (folder === ROOT) yield* tarHeader({ name: name(ROOT, true), type: '5', mode: 0o755, mtime: unknown, size: 0 });
  for (const entry of manifest.entries(reader, root, folder)) {
    const item = itemOf(entry, folder, name);
    yield* tarHeader({ ...item, mtime: item.mtime === 0n && entry.kind !== 'file' ? unknown : item.mtime });
    if (item.type !== '0') continue;
    yield* contentOf(tree, entry);
    yield padding(entry.size);
  }
  yield TAR_END;
}

type NameOf = (path: PathKey, isFolder?: boolean) => Buffer;

function namesBelow(tree: Tree, folder: PathKey): NameOf {
  const above = parentKey(folder);
  const cut = above === ROOT ? 0 : above.length + 1;
  const first = folder === ROOT ? tarName(tree, ROOT) : undefined;
  return (path, isFolder = false) => {
    // No tree that was let in has such a path; what unpacks this must not be the one to find out.
    if (path !== ROOT && pathFault(path) !== undefined) throw new PlaitError('integrity', 'a path that may not be');
    const parts = [first, path.slice(cut)].filter(Boolean);
    return Buffer.from(parts.join('/').replaceAll('\0', '/') + (isFolder ? '/' : ''), 'latin1');
  };
}

/** Hard links go as such where what they link to is inside; else as files of their own. */
function itemOf({ path, kind, mode, mtime, size, uid, gid, linkGroup, target }: Entry, folder: PathKey, name: NameOf) {
  const common = { mtime, uid, gid, size: 0 };
  if (kind === 'dir') return { ...common, name: name(path, true), type: '5', mode } satisfies TarItem;
  const named = { ...common, name: name(path), mode };
  if (kind === 'symlink') {
    return { ...named, type: '2', mode: 0o777, target: Buffer.from(target ?? []) } satisfies TarItem;
  }
  if (linkGroup !== undefined && linkGroup !== path && isWithin(linkGroup, folder)) {
    return { ...named, type: '1', target: name(linkGroup) } satisfies TarItem;
  }
  return { ...named, type: '0', size } satisfies TarItem;
}
