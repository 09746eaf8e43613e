/** The list of commands with their flags, which oclif reads instead of loading every command. Made from dist. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Config, Plugin } from '@oclif/core/config';

const MANIFEST = 'oclif.manifest.json';

export const removeManifest = (root: string): void => rmSync(join(root, MANIFEST), { force: true });

export async function writeManifest(root: string): Promise<void> {
  removeManifest(root);
  // Sets oclif's global root plugin, as a run of the program would.
  await Config.load({ root, ignoreManifest: true });
  // Defaults that depend on this machine must not be frozen into the package.
  const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true, respectNoCacheDefault: true });
  await plugin.load();
  writeFileSync(join(root, MANIFEST), `${JSON.stringify(plugin.manifest, null, 1)}\n`);
}
