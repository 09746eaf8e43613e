/** Which branches end at which snapshot: the hub's own, and those of its members; pure. */
import type { MemberRow } from '../../wire/views.ts';

export interface Tag {
  branch: string;
  /** Label of the member whose branch it is; null: the hub's own. */
  store: string | null;
}

export function tagsOf(
  branches: readonly { name: string; tip: string | null }[],
  members: readonly Pick<MemberRow, 'label' | 'tips'>[],
): Map<string, Tag[]> {
  const tags = new Map<string, Tag[]>();
  const put = (tip: string, tag: Tag): void => {
    const there = tags.get(tip);
    if (there) there.push(tag);
    else tags.set(tip, [tag]);
  };
  for (const { name, tip } of branches) if (tip !== null) put(tip, { branch: name, store: null });
  for (const { label, tips } of members) for (const { branch, tip } of tips) put(tip, { branch, store: label });
  return tags;
}
