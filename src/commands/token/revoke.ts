import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class TokenRevoke extends BaseCommand {
  static override summary = 'Make a token useless, at once.';
  static override examples = ['plait --store /srv/plait token revoke 3f2a91c0'];
  static override args = { id: Args.string({ required: true, description: 'its id, from `plait token list`' }) };

  async run(): Promise<CommandResult> {
    const { args } = this.input(TokenRevoke);
    const engine = await this.context.metaEngine();
    const { revokeToken } = await import('../../cli/tokens.ts');
    const { result } = revokeToken(engine, args.id);
    return { result, text: `token ${args.id} revoked` };
  }
}
