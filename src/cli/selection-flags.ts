/** Flags of the verbs that talk to a remote, and the options of the engine that they make. */
import * as Flags from '@oclif/core/flags';
import type { Selection } from '../core/selection.ts';
import type { LineUse } from '../sync/replicate-options.ts';
import { percent, size } from './flags.ts';

export const selectionFlags = {
  volset: Flags.string({
    helpGroup: 'SELECTION',
    helpValue: 'NAME',
    summary: 'the volume set, where the store holds several',
  }),
  branch: Flags.string({
    helpGroup: 'SELECTION',
    multiple: true,
    helpValue: 'NAME',
    summary: 'only this branch (repeatable)',
  }),
  snapshot: Flags.string({
    helpGroup: 'SELECTION',
    multiple: true,
    helpValue: 'REF',
    summary: 'only this snapshot (repeatable)',
  }),
  since: Flags.string({ helpGroup: 'SELECTION', helpValue: 'DATE|REF', summary: 'only snapshots made since then' }),
  tips: Flags.boolean({ helpGroup: 'SELECTION', summary: 'only the data of the tips, not of their history' }),
  'metadata-only': Flags.boolean({ helpGroup: 'SELECTION', summary: 'no data at all' }),
};

export const POLICIES = ['target', 'current', 'newest'] as const;

export const replicateFlags = {
  ...selectionFlags,
  'all-volsets': Flags.boolean({ helpGroup: 'SELECTION', summary: 'every volume set that the remote is about' }),
  prefer: Flags.option({ options: POLICIES })({
    summary: 'whose value stands where both sides changed a field: theirs (target, the default), ours, or the newest',
  }),
  'dry-run': Flags.boolean({ summary: 'print what would be done and do nothing' }),
  porcelain: Flags.boolean({ summary: 'print tab-separated rows in a form that never changes' }),
  'max-delete': percent({ helpValue: '50%', summary: 'how large a share of branches or snapshots may be deleted' }),
  'limit-up': size({ helpValue: 'SIZE', summary: 'at most so many bytes a second to the remote; 0: no limit' }),
  'limit-down': size({ helpValue: 'SIZE', summary: 'at most so many bytes a second from the remote; 0: no limit' }),
  parallel: Flags.integer({
    min: 1,
    max: 16,
    helpValue: 'N',
    summary: 'streams of data at once, 1 to 16; 4 up and 2 down unless given',
  }),
  'fail-if-unchanged': Flags.boolean({ summary: 'exit 4 when there was nothing to do' }),
  'accept-new-identity': Flags.boolean({ summary: 'go on though another store answers there than before' }),
  'accept-rollback': Flags.boolean({ summary: 'go on though the remote has lost what it once had, and bring it back' }),
};

export const followFlags = {
  follow: Flags.boolean({ summary: 'go on, and keep both sides in step, until it is told to stop' }),
  once: Flags.boolean({ summary: 'with --follow: end when all remotes are in sync; exit 13 where one is not there' }),
};

export interface SelectionInput {
  branch?: string[];
  snapshot?: string[];
  since?: string;
  tips?: boolean;
  'metadata-only'?: boolean;
}

/** Undefined without any. */
export function limitsOf(flags: { 'limit-up'?: number; 'limit-down'?: number }): LineUse['limits'] {
  const { 'limit-up': up = 0, 'limit-down': down = 0 } = flags;
  return up + down === 0 ? undefined : { ...(up > 0 && { up }), ...(down > 0 && { down }) };
}

/** Only what was given, so that an empty selection is an empty object. */
export function selectionOf(flags: SelectionInput): Selection {
  return {
    ...(flags.branch?.length && { branches: flags.branch }),
    ...(flags.snapshot?.length && { snapshots: flags.snapshot }),
    ...(flags.since !== undefined && { since: flags.since }),
    ...(flags.tips && { tips: true }),
    ...(flags['metadata-only'] && { metadataOnly: true }),
  };
}
