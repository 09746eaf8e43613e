import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class TokenRevoke extends BaseCommand {
  static override summary = 'Make a token useless, at once.';
  static override examples = ['plait --store /srv/plait token revoke 3f2a91c0'];
  static override args = { id: Args.string({ required: true, description: 'its id, from `plait token list`' }) };

  async run(): Promise<CommandResult> {
    const { args } = this.input(TokenRevoke);
    const engine = await this.context.engine();
    const { revokeToken } = await import('../../cli/tokens.ts');
    const { result } = revokeToken(engine, args.id);
    // Else a repair from packs would bring it back to life.
    await (await import('../../sync/settle.ts')).packGenerations(engine);
    return { result, text: `token ${args.id} revoked` };
  }
}
