/** Which branches end at which snapshot: the hub's own, and those of its remotes and members; pure. */
import type { MemberRow, RemoteRow } from '../../wire/views.ts';

export interface Tag {
  branch: string;
  /** Name of the remote, or label of the member, whose branch it is; null: the hub's own. */
  store: string | null;
}

export function tagsOf(
  branches: readonly { name: string; tip: string | null }[],
  members: readonly Pick<MemberRow, 'label' | 'store' | 'tips'>[],
  remotes: readonly RemoteRow[],
): Map<string, Tag[]> {
  const tags = new Map<string, Tag[]>();
  const put = (tip: string, tag: Tag): void => {
    const there = tags.get(tip);
    if (there) there.push(tag);
    else tags.set(tip, [tag]);
  };
  for (const { name, tip } of branches) if (tip !== null) put(tip, { branch: name, store: null });
  for (const { name: store, tips } of remotes) for (const { branch, tip } of tips) put(tip, { branch, store });
  const isRemote = new Set(remotes.map(({ store }) => store));
  for (const { label, store, tips } of members)
    if (!isRemote.has(store)) for (const { branch, tip } of tips) put(tip, { branch, store: label });
  return tags;
}
