import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { tokenLines } from '../../cli/render/snapshot.ts';

export default class TokenList extends BaseCommand {
  static override summary = 'List the tokens of a store; their secrets are not kept.';
  static override examples = ['plait --store /srv/plait token list'];

  async run(): Promise<CommandResult> {
    const engine = await this.context.metaEngine();
    const { listTokens } = await import('../../cli/tokens.ts');
    const { result } = listTokens(engine);
    return { result, text: () => tokenLines(result.tokens) };
  }
}
