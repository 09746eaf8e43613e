import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { checkSetting } from '../../cli/config-keys.ts';

export default class ConfigSet extends BaseCommand {
  static override summary = "Change a value of the store's configuration.";
  static override description =
    'Every flag can have its value here: `lock-wait` for a global one, `push.max-delete` for one of a command. ' +
    'A flag on the command line and a PLAIT_ variable in the environment come first.';
  static override args = {
    key: Args.string({ required: true, description: 'the key, like push.max-delete' }),
    value: Args.string({ required: true, description: 'the value, written as the flag takes it' }),
  };

  async run(): Promise<CommandResult> {
    const { key, value } = this.input(ConfigSet).args;
    await checkSetting(key, value);
    const config = await this.context.readConfig();
    config.write(key, value);
    return { result: { key, value } };
  }
}
