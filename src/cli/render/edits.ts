/** How edits of names, members and volume sets read to people. */
import { showText } from '../../core/paths.ts';
import { attrKeyOf } from '../../core/register.ts';
import type { MemberRow } from '../../sync/members.ts';
import type { UpdateResult } from '../../sync/update.ts';
import type { VolsetRow } from '../../sync/volsets.ts';
import { formatTable, formatTime, plural, shortId } from '../format.ts';

export function* updateLines({ object, name, changed, ...fields }: UpdateResult): Generator<string> {
  const at = object.indexOf(':');
  const what = at < 0 ? 'volume set' : object.slice(0, at);
  const named = name === null ? shortId(object.slice(at + 1)) : showText(name);
  if (changed.length === 0) {
    yield `${what} ${named}: nothing has changed`;
    return;
  }
  yield `${what} ${named}`;
  for (const field of changed) {
    const key = attrKeyOf(field);
    const value = key === undefined ? (field === 'name' ? name : fields.description) : (fields.attrs[key] ?? null);
    yield `  ${showText(key ?? field)}: ${value === null ? 'taken away' : showText(value)}`;
  }
}

/** Ids are long and their beginnings differ: 12 digits and the epoch name a store. */
export const shownMember = ({ store, label }: MemberRow): string =>
  `${shortId(store)}${store.slice(32)}${label === '' ? '' : ` (${showText(label)})`}`;

export function memberLines(members: MemberRow[]): Iterable<string> {
  if (members.length === 0) return ['no members: no other store has sent anything here'];
  return formatTable(
    ['store', 'label', 'last seen', 'state'],
    members.map((member) => [
      member.store,
      showText(member.label),
      formatTime(Date.parse(member.lastSeen)),
      member.state,
    ]),
  );
}

export const deletedVolsetLines = ({ name, id, branches, snapshots }: VolsetRow): string[] => [
  `volume set ${showText(name ?? id)} deleted: ${plural(branches, 'branch', 'branches')}, ${plural(snapshots, 'snapshot')}`,
  '  remotes hear of it with the next push or sync',
];
