import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { sample } from '../cli/flags.ts';
import { verifyLines } from '../cli/render/snapshot.ts';

export default class Verify extends BaseCommand {
  static override summary = 'Check that everything the store claims to hold is there and whole.';
  static override description =
    'Structure always; with --read-data every byte of every pack, with --sample a part of them.';
  static override examples = ['plait verify', 'plait verify --read-data', 'plait verify --sample 5%'];
  static override flags = {
    'read-data': Flags.boolean({ summary: 'read and hash all data' }),
    sample: sample({ summary: 'read and hash this share of the data (5%), or about so much (20G)' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Verify);
    const engine = await this.context.engine();
    const { verify } = await import('../sync/verify.ts');
    const { result, exits } = await verify(engine, { readData: flags['read-data'], sample: flags.sample });
    return { result, exits, text: () => verifyLines(result) };
  }
}
