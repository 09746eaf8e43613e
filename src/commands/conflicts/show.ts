import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { conflictDetail } from '../../cli/render/conflicts.ts';

export default class ConflictsShow extends BaseCommand {
  static override summary = 'Show what each side says in a conflict, and how to settle it.';
  static override examples = ['plait conflicts show 3f2a91c0'];
  static override args = {
    id: Args.string({ required: true, description: '4 or more digits of its id, from `plait conflicts list`' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(ConflictsShow);
    const engine = await this.context.metaEngine();
    const { findConflict, showConflict } = await import('../../sync/conflicts.ts');
    const { result } = showConflict(engine, args.id);
    if (result.kind !== 'path') return { result, text: () => conflictDetail(result) };
    const { theirsIsFile } = await import('../../sync/resolve-path.ts');
    const { volset } = findConflict(engine, args.id);
    const isFile = theirsIsFile(await this.context.engine(), volset, result);
    return { result, text: () => conflictDetail(result, { isFile }) };
  }
}
