/** What `plait verify` prints. */
import { showText } from '../../core/paths.ts';
import type { RepairResult } from '../../sync/repair/outcome.ts';
import type { VerifyResult } from '../../sync/verify.ts';
import { formatBytes, plural, shortId } from '../format.ts';
import { shownPath } from './tree.ts';

export function* verifyLines(result: VerifyResult): Generator<string> {
  yield* stateLines(result);
  if (!result.ok) yield 'mend what can be mended with `plait verify --repair`';
}

function* stateLines(result: VerifyResult): Generator<string> {
  const { snapshots, objects, packs } = result.checked;
  yield `checked ${plural(snapshots, 'snapshot')}, ${plural(objects, 'object')}, ${plural(packs, 'pack')}: ${result.ok ? 'whole' : 'damaged'}`;
  const { coverage, drill } = result;
  if (coverage.oldest !== null)
    yield `read back so far: ${formatBytes(coverage.bytes)} (${Math.floor(coverage.share * 100)} %), the oldest ${coverage.oldest.slice(0, 10)}`;
  if (drill)
    yield `restore drill (seed ${showText(drill.seed)}): ${plural(drill.files, 'file')}, ${formatBytes(drill.bytes)}, ${drill.failed === 0 ? 'all as they were' : `${drill.failed} failed`}`;
  for (const { what, snapshots: hit, snapshotCount, paths, pathCount } of result.damage) {
    const more = snapshotCount === undefined ? '' : ` and ${snapshotCount - hit.length} more`;
    yield `damage: ${showText(what)}${hit.length > 0 ? ` (snapshots ${hit.map(shortId).join(', ')}${more})` : ''}`;
    for (const path of paths) yield `  ${shownPath(path)}`;
    if (pathCount !== undefined) yield `  and ${pathCount - paths.length} more`;
  }
  for (const note of result.notes) yield `note: ${showText(note)}`;
}

export function* repairLines(result: RepairResult): Generator<string> {
  for (const { what } of result.repairs) yield `repaired: ${showText(what)}`;
  const hidden = result.repaired - result.repairs.length;
  if (hidden > 0) yield `repaired: ${hidden} more`;
  for (const { snapshots, snapshotCount } of result.losses)
    yield `lost: parts of ${plural(snapshotCount ?? snapshots.length, 'snapshot')} (${snapshots.slice(0, 10).map(shortId).join(', ')})`;
  yield* stateLines(result);
}
