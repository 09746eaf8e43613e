/** What the steps of one checkout share. */
import type { Entry } from '../core/entry.ts';
import type { Beneath } from '../disk/beneath.ts';
import type { Placer } from '../disk/place.ts';
import type { CheckoutOptions, CheckoutResult, Preserve } from './contract.ts';
import type { Look, Resume } from './obstacles.ts';
import type { Work } from './work.ts';

export interface StepContext {
  options: CheckoutOptions;
  work: Work;
  look: Look;
  beneath: Beneath;
  placer: Placer;
  tempDir: string;
  resume?: Resume;
  /** The root held nothing: whatever is written in it is fresh. */
  rootIsFresh: boolean;
  result: CheckoutResult;
}

export const keeps = ({ options }: StepContext, what: Preserve): boolean =>
  options.volume.state.preserve.includes(what);

/** Owner to be set; undefined where the volume does not keep owners. */
export function ownerOf(context: StepContext, { uid, gid }: Entry): { uid: number; gid: number } | undefined {
  return keeps(context, 'owner') && uid !== undefined && gid !== undefined ? { uid, gid } : undefined;
}
