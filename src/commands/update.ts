import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { updateLines } from '../cli/render/edits.ts';
import { formatAttrs } from '../cli/render/snapshot.ts';

export default class Update extends BaseCommand {
  static override summary = 'Edit names, descriptions and attributes.';
  static override description =
    'Moves no data and touches no working directory: `pull` and `checkout` do that. OBJECT is the volume set, unless branch:NAME, snapshot:REF or volset:NAME is given. ' +
    'An edit travels with the next push or sync. Each field and each attribute is reconciled on its own, so edits of different fields never get in the way of each other.';
  static override examples = [
    'plait update --description "nightly results" --attr team=physics',
    'plait update branch:master --name main',
    'plait update snapshot:main~2 --name v1 --unset-attr draft',
    'plait --store /srv/plait update volset:results --attr tier=cold',
  ];
  static override args = {
    object: Args.string({ description: 'branch:NAME, snapshot:REF or volset:NAME; the volume set, unless given' }),
  };
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'its new name; empty takes away that of a snapshot' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'its new description; empty takes it away' }),
    attr: Flags.string({ multiple: true, helpValue: 'K=V', summary: 'set an attribute (repeatable)' }),
    'unset-attr': Flags.string({ multiple: true, helpValue: 'K', summary: 'take an attribute away (repeatable)' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Update);
    const engine = await this.context.engine();
    const { update } = await import('../sync/update.ts');
    const { result } = await update(engine, {
      object: args.object,
      name: flags.name,
      description: flags.description,
      attrs: formatAttrs(flags.attr),
      unsetAttrs: flags['unset-attr'],
    });
    return { result, text: () => updateLines(result) };
  }
}
