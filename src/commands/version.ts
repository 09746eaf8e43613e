import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { readVersion } from '../cli/main.ts';

export default class Version extends BaseCommand {
  static override summary = 'Print the version of plait.';
  static override usesStore = false;

  async run(): Promise<CommandResult> {
    const version = readVersion();
    return {
      result: { version, node: process.versions.node, platform: process.platform, arch: process.arch },
      text: `plait ${version}`,
    };
  }
}
