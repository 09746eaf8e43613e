import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { memberLines } from '../../cli/render/edits.ts';

export default class MemberList extends BaseCommand {
  static override summary = 'List the stores whose edits have reached this one.';
  static override description =
    'Old metadata is kept until every active member has it. A store that only reads is no member, nor is one made with `clone --ephemeral`.';
  static override examples = ['plait member list', 'plait --store /srv/plait member list --json'];

  async run(): Promise<CommandResult> {
    const engine = await this.context.metaEngine();
    const { listMembers } = await import('../../sync/members.ts');
    const { result } = listMembers(engine);
    return { result, text: () => memberLines(result.members) };
  }
}
