import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { sample, size } from '../cli/flags.ts';
import { repairLines, verifyLines } from '../cli/render/verify.ts';

export default class Verify extends BaseCommand {
  static override summary = 'Check that everything the store claims to hold is there and whole.';
  static override description =
    'Structure always. With --read-data every byte of every pack is read and hashed, with --sample a part of them, with --budget at most so much in this run: those first that were not read for longest, so that a run each night reads everything in turn. Damage ends it with 14, after all else was looked at; nothing is changed but with --repair: that makes index and metadata again from packs, takes damaged packs out of use (they are kept in `damaged/`), and brings back what they lost from wherever it still is.';
  static override examples = [
    'plait verify',
    'plait verify --read-data',
    'plait verify --sample 5%',
    'plait verify --budget 20G',
    'plait verify --restore-drill 20',
    'plait verify --repair',
  ];
  // On a damaged store, too: settings are read where they can be.
  static override toleratesDamage = true;
  static override flags = {
    'read-data': Flags.boolean({ summary: 'read and hash all data' }),
    sample: sample({
      summary: 'read and hash this share of the data (5%), or about so much (20G)',
      exclusive: ['budget'],
    }),
    repair: Flags.boolean({
      summary: 'mend what can be mended, with the help of working directories and remotes',
      exclusive: ['sample', 'budget'],
    }),
    budget: size({ summary: 'read and hash at most so much, what was not read for longest first' }),
    'restore-drill': Flags.integer({
      helpValue: 'N',
      min: 1,
      max: 100_000,
      summary: 'restore N files of any snapshots to a temporary directory, and compare them',
    }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Verify);
    if (flags.repair) return this.#repair(flags['read-data']);
    const { openForVerify } = await import('../cli/open-for-verify.ts');
    const { engine, found } = await openForVerify(this.context);
    const { verify } = await import('../sync/verify.ts');
    const files = flags['restore-drill'];
    const seed = this.context.io.env.PLAIT_DRILL_SEED || engine.world.random(8).toString('hex');
    const { result, exits } = await verify(engine, {
      readData: flags['read-data'],
      sample: flags.sample,
      budget: flags.budget,
      found,
      ...(files !== undefined && { drill: { files, seed } }),
    });
    return { result, exits, text: () => verifyLines(result) };
  }

  async #repair(readData: boolean): Promise<CommandResult> {
    const { repair } = await import('../cli/repair.ts');
    const { result, exits } = await repair(this.context, { readData });
    return { result, exits, text: () => repairLines(result) };
  }
}
