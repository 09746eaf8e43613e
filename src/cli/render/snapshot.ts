/** How the remaining documents read to people. */
import { PlaitError } from '../../core/errors.ts';
import { showText } from '../../core/paths.ts';
import type { PeerVolset } from '../../core/peer.ts';
import type { BranchRow } from '../../sync/branches.ts';
import type { CheckoutDocument } from '../../sync/checkout.ts';
import type { RemoteRow } from '../../sync/remotes.ts';
import type { RestoreResult } from '../../sync/restore.ts';
import type { ProblemRow, SnapshotResult } from '../../sync/results.ts';
import type { VolsetRow } from '../../sync/volsets.ts';
import type { ImportResult } from '../bundle.ts';
import { formatBytes, formatDuration, formatTable, plural, shortId } from '../format.ts';
import type { CloneDocument } from '../make-clone.ts';
import type { TokenDocument } from '../tokens.ts';
import { openConflicts } from './conflicts.ts';
import { syncLines } from './sync.ts';

/** `--attr K=V …` -> attributes. */
export function formatAttrs(given: string[] | undefined): Record<string, string> | undefined {
  if (!given?.length) return undefined;
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at <= 0)
        throw new PlaitError('usage', `${showText(text)} is no attribute`, { hint: 'write --attr KEY=VALUE' });
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

const problems = (rows: ProblemRow[]): string[] => rows.map(({ message }) => `problem: ${showText(message)}`);

export function snapshotLines(result: SnapshotResult): string[] {
  const lines = result.created
    ? [
        `snapshot ${shortId(result.snapshot ?? '')} on ${showText(result.branch ?? '')}: ${plural(result.files, 'file')}, ${formatBytes(result.bytes)}`,
        `  ${result.new} new, ${result.changed} changed, ${result.deleted} deleted; added ${formatBytes(result.addedBytes)}, stored ${formatBytes(result.storedBytes)} in ${formatDuration(result.durationMs)}`,
      ]
    : ['nothing has changed: no snapshot was made'];
  if (result.forkedFrom !== undefined) {
    const [own, line] = [showText(result.forkedFrom), showText(result.branch ?? '')];
    lines.push(
      `! ${own} has moved on from what lies in this directory, so the snapshot began the branch ${line}`,
      `  join both with \`plait checkout ${own}\`, then \`plait merge ${line}\``,
    );
  }
  lines.push(...problems(result.problems));
  if (result.push) lines.push(...syncLines('push', result.push));
  return lines;
}

export function checkoutLines(result: CheckoutDocument): string[] {
  const where =
    result.branch === null
      ? `${shortId(result.snapshot)}, detached`
      : `${showText(result.branch)}, ${shortId(result.snapshot)}`;
  return [`at ${where}: ${result.written} written, ${result.deleted} deleted`, ...problems(result.problems)];
}

export function cloneLines(result: CloneDocument): string[] {
  const { snapshot, pulled } = result;
  const at =
    snapshot !== null
      ? `${showText(result.branch ?? '')} at ${shortId(snapshot)}`
      : pulled.snapshots > 0
        ? 'no branch came along, `plait checkout` one of its snapshots'
        : 'empty';
  return [
    `${result.updated ? 'brought up to date:' : result.continued ? 'finished the clone of' : 'cloned'} ${showText(result.volset ?? result.volsetId)} ${result.updated ? 'in' : 'into'} ${showText(result.dir)}: ${at}`,
    `  ${plural(pulled.snapshots, 'snapshot')}, ${formatBytes(pulled.bytes)}; ${plural(result.written, 'file')} written in ${formatDuration(result.durationMs)}`,
    ...(result.conflicts.length > 0 ? [`  ${openConflicts(result.conflicts.length)}`] : []),
    ...problems(result.problems),
  ];
}

export const restoreLines = (result: RestoreResult): string[] => [
  `restored ${plural(result.written, 'path')} from ${shortId(result.snapshot)} into ${showText(result.dir)}`,
  ...problems(result.problems),
];

export const importLines = (result: ImportResult): string[] => [
  `imported ${plural(result.snapshots, 'snapshot')} of ${showText(result.volset)}`,
  ...result.branches.map((name) => `  ${showText(name)} stands where it stood there`),
  ...result.diverged.map(
    (name) =>
      `! ${showText(name)} has diverged: it stays; look at the other line by its id, with \`plait checkout ID\``,
  ),
];

export const branchLines = (branches: BranchRow[]): string[] =>
  branches.map(
    ({ name, tip, current }) => `${current ? '*' : ' '} ${showText(name)} ${tip === null ? '-' : shortId(tip)}`,
  );

export const volsetLines = (volsets: VolsetRow[]): string[] =>
  formatTable(
    ['volset', 'branches', 'snapshots', 'id', 'description'],
    volsets.map((v) => [
      showText(v.name ?? ''),
      `${v.branches}`,
      `${v.snapshots}`,
      shortId(v.id),
      showText(v.description ?? ''),
    ]),
  );

export const remoteLines = (remotes: RemoteRow[]): string[] =>
  formatTable(
    ['remote', 'url', 'enabled', 'token', 'selection'],
    remotes.map((r) => [
      showText(r.name),
      showText(r.url),
      r.enabled ? 'yes' : 'no',
      r.hasToken ? 'yes' : 'no',
      selectionText(r.selection),
    ]),
  );

/** As the flags that made it. */
export function selectionText(selection: RemoteRow['selection']): string {
  const { branches = [], snapshots = [], since, tips, metadataOnly } = selection ?? {};
  const flags = [
    ...branches.map((name) => `--branch ${showText(name)}`),
    ...snapshots.map((ref) => `--snapshot ${showText(ref)}`),
    since !== undefined && `--since ${showText(since)}`,
    tips && '--tips',
    metadataOnly && '--metadata-only',
  ].filter((flag) => typeof flag === 'string');
  return flags.length > 0 ? flags.join(' ') : 'everything';
}

export function* peerLines({
  identity,
  volsets,
}: {
  identity: string | null;
  volsets: PeerVolset[];
}): Generator<string> {
  yield `store ${identity ?? 'unknown'}`;
  for (const volset of volsets) {
    yield `volset ${showText(volset.name)} ${volset.id}`;
    for (const { name, tip } of volset.branches) yield `  ${showText(name)} ${tip === null ? '-' : shortId(tip)}`;
  }
}

export const tokenLines = (tokens: TokenDocument[]): string[] =>
  formatTable(
    ['id', 'volset', 'can', 'expires', 'state', 'label'],
    tokens.map((t) => [
      t.id,
      t.volset,
      t.can.join(','),
      t.expires ?? 'never',
      t.revoked ? 'revoked' : 'good',
      showText(t.label),
    ]),
  );
