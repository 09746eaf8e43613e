import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { readSetting } from '../../cli/config-keys.ts';

export default class ConfigGet extends BaseCommand {
  static override summary = "Print one value of the store's configuration.";
  static override args = { key: Args.string({ required: true, description: 'the key, like push.max-delete' }) };

  async run(): Promise<CommandResult> {
    const { key } = this.input(ConfigGet).args;
    const value = readSetting(await this.context.readConfig(), key);
    return { result: { key, value }, text: value };
  }
}
