import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { volsetLines } from '../../cli/render/snapshot.ts';

export default class VolsetList extends BaseCommand {
  static override summary = 'List the volume sets of the store.';
  static override examples = ['plait volset list', 'plait --store /srv/plait volset list --json'];

  async run(): Promise<CommandResult> {
    const engine = await this.context.metaEngine();
    const { listVolsets } = await import('../../sync/volsets.ts');
    const { result } = listVolsets(engine);
    return { result, text: () => volsetLines(result.volsets) };
  }
}
