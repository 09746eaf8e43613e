import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { shownMember } from '../../cli/render/edits.ts';

export default class MemberRetire extends BaseCommand {
  static override summary = 'Wait no longer for a store that will not come back.';
  static override description =
    'Nothing is deleted: if it comes back after all, its edits are merged and it is a member again.';
  static override examples = ['plait --store /srv/plait member retire 8a5c62e0'];
  static override args = {
    store: Args.string({ required: true, description: 'the first digits of its id, from `plait member list`' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(MemberRetire);
    const engine = await this.context.metaEngine();
    const { retireMember } = await import('../../sync/members.ts');
    const { result } = retireMember(engine, args.store);
    return { result, text: () => `${shownMember(result)} retired` };
  }
}
