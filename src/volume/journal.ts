/** The note that a checkout has begun: written before the first change on disk, removed after the last. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { isBranchId, isNodeId, isSnapshotId } from '../core/ids.ts';
import { bootId } from '../disk/boot.ts';
import { fsyncDir, writeFileDurable } from '../disk/durable.ts';
import { removeFile } from '../disk/files.ts';
import type { CheckoutOptions } from './contract.ts';
import { findText } from './state.ts';

export type CheckoutTarget = CheckoutOptions['target'];

export interface Journal {
  version: 1;
  target: CheckoutTarget;
  /** Of the running system. After another boot, files that look finished may never have reached the disk. */
  boot: string | null;
}

const NAME = 'checkout.json';

/** `boot`: null where files of an earlier boot are still in doubt. */
export function writeJournal(stateDir: string, target: CheckoutTarget, boot = bootId()): void {
  const { snapshot, root, branch } = target;
  const journal: Journal = { version: 1, target: { snapshot, root, branch }, boot };
  writeFileDurable(join(stateDir, NAME), Buffer.from(`${JSON.stringify(journal)}\n`), randomBytes(8).toString('hex'));
}

/** undefined where no checkout was cut off. */
export function findJournal(stateDir: string): { target: CheckoutTarget; sameBoot: boolean } | undefined {
  const text = findText(join(stateDir, NAME));
  if (text === undefined) return undefined;
  const journal = parse(text);
  const boot = bootId();
  return { target: journal.target, sameBoot: boot !== null && boot === journal.boot };
}

function parse(text: string): Journal {
  let value: Partial<Journal> | null = null;
  try {
    value = JSON.parse(text) as Partial<Journal> | null;
  } catch {
    // Falls through to the refusal.
  }
  const target = value?.target;
  const sound =
    value?.version === 1 &&
    isSnapshotId(target?.snapshot) &&
    isNodeId(target?.root) &&
    (target.branch === null || isBranchId(target.branch));
  if (!sound) {
    throw new PlaitError('format', 'the journal of an unfinished checkout cannot be read', {
      hint: 'a newer plait may have written it; finish with that, or `plait checkout REF --force`',
    });
  }
  return value as Journal;
}

export function removeJournal(stateDir: string): void {
  removeFile(join(stateDir, NAME));
  fsyncDir(stateDir);
}
