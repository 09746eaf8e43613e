import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { completionScript, SHELLS } from '../cli/completion.ts';

export default class Completion extends BaseCommand {
  static override summary = 'Print a completion script for bash or zsh.';
  static override description = [
    'bash: `plait completion bash > ~/.local/share/bash-completion/completions/plait`',
    'zsh: `plait completion zsh > ~/.zfunc/_plait`, with ~/.zfunc in fpath before compinit',
  ].join('\n');
  static override usesStore = false;
  static override args = {
    shell: Args.string({ required: true, options: [...SHELLS], description: 'the shell' }),
  };

  async run(): Promise<CommandResult> {
    const { shell } = this.input(Completion).args;
    const script = await completionScript(shell);
    return { result: { shell, script }, text: script.trimEnd() };
  }
}
