/** `plait remote`: what of it touches files, stdin or the network. */
import { existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { ensureDir, writeFileDurable } from '../disk/durable.ts';
import { parseHubUrl } from '../remote/url.ts';
import type { Outcome } from '../sync/engine.ts';
import * as remotes from '../sync/remotes.ts';
import type { Context } from './context.ts';
import { openRemote, readText, readToken, tokenPath } from './open-engine.ts';

export async function addRemote(
  context: Context,
  input: { name: string; url: string; tokenFile?: string; tokenStdin: boolean; ca?: string },
): Promise<Outcome<remotes.RemoteRow>> {
  const { origin, volset } = parseHubUrl(input.url);
  const engine = await context.engine();
  const ca = input.ca && context.path(input.ca);
  if (ca) readText(ca, 'certificate authority');
  const given = input.tokenFile && context.path(input.tokenFile);
  if (given) readToken(given);
  // Before anything is kept: a remote without the token that it was to have would be half-made.
  const token = input.tokenStdin ? await readStdin(context) : undefined;
  const added = remotes.addRemote(engine, { name: input.name, url: origin, volsetName: volset, ca, tokenFile: given });
  if (token === undefined) return added;
  const tag = engine.world.random(8).toString('hex');
  // A renamed remote keeps the file under its old name.
  const own = tokenPath(engine.dir, input.name);
  const file = existsSync(own) ? `${own}.${tag}` : own;
  ensureDir(dirname(file));
  writeFileDurable(file, Buffer.from(`${token}\n`), tag);
  return remotes.changeRemote(engine, input.name, { tokenFile: file });
}

async function readStdin({ io }: Context): Promise<string> {
  let text = '';
  for await (const piece of io.stdin) {
    text += piece;
    if (text.length > 4096) throw new PlaitError('usage', 'what came on stdin is no token: it is too long');
  }
  if (text.trim() === '')
    throw new PlaitError('usage', 'no token came on stdin', { hint: 'plait remote add NAME URL --token-stdin < FILE' });
  return text.trim();
}

export async function setUrl(context: Context, name: string, url: string): Promise<Outcome<remotes.RemoteRow>> {
  const { origin, volset } = parseHubUrl(url);
  const engine = await context.engine();
  const before = remotes.remoteByName(engine, name);
  if (before.tokenFile !== undefined && new URL(before.url).origin !== origin) {
    throw new PlaitError('usage', `remote ${name} has a token for ${before.url}, which must not go to ${origin}`, {
      hint: `remove the remote and add it anew with the token for ${origin}`,
    });
  }
  return remotes.changeRemote(engine, name, { url: origin, ...(volset !== undefined && { volsetName: volset }) });
}

export async function removeRemote(context: Context, name: string): Promise<Outcome<remotes.RemovedRemote>> {
  const engine = await context.engine();
  const { tokenFile } = remotes.remoteByName(engine, name);
  const removed = remotes.removeRemote(engine, name);
  // Only what we wrote ourselves; a file that was named with --token-file is the user's.
  if (tokenFile !== undefined && dirname(tokenFile) === dirname(tokenPath(engine.dir, name))) {
    rmSync(tokenFile, { force: true });
  }
  return removed;
}

/** A remote by name, or any URL, also where there is no store. */
export async function showRemote(context: Context, text: string): ReturnType<typeof remotes.showRemote> {
  if (/^https?:\/\//.test(text)) {
    const remote = { name: text, url: parseHubUrl(text).origin, enabled: true };
    return remotes.showRemote({ openPeer: (config) => openRemote(context, config) }, remote);
  }
  const engine = await context.engine();
  return remotes.showRemote(engine, remotes.remoteByName(engine, text));
}
