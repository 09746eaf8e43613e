import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { duration } from '../../cli/flags.ts';

export default class TokenCreate extends BaseCommand {
  static override summary = 'Make a token that lets a client in; it is shown once.';
  static override examples = [
    "plait --store /srv/plait token create --volset '*' --can read,write --expires 90d --label laptop",
  ];
  static override flags = {
    volset: Flags.string({ helpValue: "V|'*'", summary: 'the volume set, * for all; all, unless given' }),
    can: Flags.string({ helpValue: 'read,append,write,delete,admin', summary: 'what it may do; read, unless given' }),
    expires: duration({ helpValue: '90d', summary: 'how long it is good; for ever, unless given' }),
    label: Flags.string({ helpValue: 'LABEL', summary: 'whose it is' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(TokenCreate);
    const engine = await this.context.engine();
    const { createToken } = await import('../../cli/tokens.ts');
    const { result } = createToken(engine, flags);
    // Packs know it from now on: a store that is repaired keeps it.
    await (await import('../../sync/settle.ts')).packGenerations(engine);
    return { result, text: result.token };
  }
}
