import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { listSettings } from '../../cli/config-keys.ts';

export default class ConfigList extends BaseCommand {
  static override summary = "Print the store's configuration.";

  async run(): Promise<CommandResult> {
    const settings = listSettings(await this.context.readConfig());
    return { result: { settings }, text: Object.entries(settings).map(([key, value]) => `${key}=${value}`) };
  }
}
