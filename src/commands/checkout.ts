import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { checkoutLines } from '../cli/render/snapshot.ts';

export default class Checkout extends BaseCommand {
  static override summary = 'Move the working directory to a branch or snapshot.';
  static override description =
    'Unsaved changes in the way stop it (exit 8) before anything is written. A snapshot, or REMOTE/BRANCH, detaches: `snapshot` there needs -b.';
  static override examples = ['plait checkout main', 'plait checkout main~3', 'plait checkout origin/main --force'];
  static override args = { ref: Args.string({ required: true, description: 'a branch or another reference' }) };
  static override flags = { force: Flags.boolean({ summary: 'throw unsaved changes away' }) };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Checkout);
    const engine = await this.context.engine();
    const { checkout } = await import('../sync/checkout.ts');
    const { result, exits } = await checkout(engine, args.ref, flags.force);
    return { result, exits, text: () => checkoutLines(result) };
  }
}
