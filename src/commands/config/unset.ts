import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { readSetting } from '../../cli/config-keys.ts';

export default class ConfigUnset extends BaseCommand {
  static override summary = "Remove a value from the store's configuration.";
  static override args = { key: Args.string({ required: true, description: 'the key, like push.max-delete' }) };

  async run(): Promise<CommandResult> {
    const { key } = this.input(ConfigUnset).args;
    const config = await this.context.readConfig();
    const value = readSetting(config, key);
    config.write(key, null);
    return { result: { key, value } };
  }
}
