import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { conflictTable } from '../../cli/render/conflicts.ts';

export default class ConflictsList extends BaseCommand {
  static override summary = 'List what two sides changed without knowing of each other.';
  static override description =
    'One value stands already, chosen by --prefer; the other is kept here until somebody settles the conflict. In a store without a working directory: of all its volume sets.';
  static override examples = ['plait conflicts list', 'plait conflicts list --all --json'];
  static override flags = { all: Flags.boolean({ summary: 'settled ones, too' }) };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(ConflictsList);
    const engine = await this.context.metaEngine();
    const { listConflicts } = await import('../../sync/conflicts.ts');
    const { result } = listConflicts(engine, { all: flags.all });
    return { result, text: () => conflictTable(result.conflicts) };
  }
}
