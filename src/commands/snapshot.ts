import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { lineOfPush } from '../cli/push-line.ts';
import { formatAttrs, snapshotLines } from '../cli/render/snapshot.ts';

export default class Snapshot extends BaseCommand {
  static override summary = 'Record the working directory as a snapshot.';
  static override description =
    'A snapshot with no change is made all the same, unless --skip-unchanged. If the working directory does not stand at the tip of its branch, ' +
    'the snapshot starts a branch NAME.xxxx of its own (exit 6). Files that cannot be read are problems (exit 3); what the last snapshot had of them is kept.';
  static override examples = [
    'plait snapshot -m "before the upgrade"',
    'plait snapshot --skip-unchanged --push origin',
    'plait snapshot -b experiment',
  ];
  static override flags = {
    message: Flags.string({ char: 'm', helpValue: 'TEXT', summary: 'description of the snapshot' }),
    name: Flags.string({ helpValue: 'NAME', summary: 'a name to find it by' }),
    attr: Flags.string({ multiple: true, helpValue: 'K=V', summary: 'an attribute (repeatable)' }),
    'skip-unchanged': Flags.boolean({ summary: 'make none when nothing has changed' }),
    push: Flags.string({ helpValue: 'REMOTE', summary: 'push to this remote afterwards' }),
    branch: Flags.string({ char: 'b', helpValue: 'NEWBRANCH', summary: 'start a new branch with it' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Snapshot);
    const engine = await this.context.engine();
    const { snapshotAndPush } = await import('../sync/snapshot-push.ts');
    const { result, exits } = await snapshotAndPush(engine, {
      name: flags.name,
      description: flags.message,
      attrs: formatAttrs(flags.attr),
      skipUnchanged: flags['skip-unchanged'],
      newBranch: flags.branch,
      pushTo: flags.push,
      maxDelete: await this.context.maxDelete(),
      line: flags.push === undefined ? undefined : await lineOfPush(this.context, this),
    });
    return { result, exits, text: () => snapshotLines(result) };
  }
}
