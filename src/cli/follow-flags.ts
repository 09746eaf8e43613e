/** What may be asked of `sync` with --follow, and what without. */
import { PlaitError } from '../core/errors.ts';
import type { ReplicateInput } from './replicate-command.ts';

export interface FollowInput extends ReplicateInput {
  follow?: boolean;
  once?: boolean;
}

/** What is meant for one session, with somebody who looks at it, and not for all those to come. */
const SINGLE_RUN = ['dry-run', 'porcelain', 'fail-if-unchanged', 'accept-new-identity', 'accept-rollback'] as const;

export function checkFollowing(remotes: readonly string[], flags: FollowInput): void {
  if (flags.follow) {
    refuseSingleRun(flags);
    return;
  }
  if (flags.once) {
    throw new PlaitError('usage', '--once is about --follow', { hint: 'write `plait sync --follow --once`' });
  }
  if (remotes.length <= 1) return;
  throw new PlaitError('usage', 'sync takes one remote, unless it follows', {
    hint: `run it once for each, or \`plait sync --follow --once ${remotes.join(' ')}\``,
  });
}

function refuseSingleRun(flags: FollowInput): void {
  const misplaced = SINGLE_RUN.find((name) => flags[name]);
  if (misplaced === undefined) return;
  throw new PlaitError('usage', `--${misplaced} is for a single run, not for --follow`, {
    hint: `leave one of the two out; \`plait sync --${misplaced}\` can be run before`,
  });
}
