/** `plait remote`: what of it touches files, stdin or the network. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import { ensureDir, writeFileDurable } from '../disk/durable.ts';
import { removeFile } from '../disk/files.ts';
import type { Outcome } from '../sync/engine.ts';
import * as remotes from '../sync/remotes.ts';
import { isPath, parseAddress, storeAt } from './address.ts';
import type { Context } from './context.ts';
import { openRemote, readText, readToken, tokenPath } from './open-engine.ts';

/** A path may hold any byte but one. */
export const showAddress = (url: string): string => showText(url);

export async function addRemote(
  context: Context,
  input: { name: string; url: string; tokenFile?: string; tokenStdin: boolean; ca?: string },
): Promise<Outcome<remotes.RemoteRow>> {
  const { url, volset } = parseAddress(context, input.url);
  const engine = await context.engine();
  if (isPath(url)) await checkPath(url, engine.dir, input);
  const ca = input.ca && context.path(input.ca);
  if (ca) readText(ca, 'certificate authority');
  const given = input.tokenFile && context.path(input.tokenFile);
  if (given) readToken(given);
  // Before anything is kept: a remote without the token that it was to have would be half-made.
  const token = input.tokenStdin ? await readStdin(context) : undefined;
  const added = remotes.addRemote(engine, { name: input.name, url, volsetName: volset, ca, tokenFile: given });
  if (token === undefined) return added;
  const tag = engine.world.random(8).toString('hex');
  // A renamed remote keeps the file under its old name.
  const own = tokenPath(engine.dir, input.name);
  const file = existsSync(own) ? `${own}.${tag}` : own;
  ensureDir(dirname(file));
  writeFileDurable(file, Buffer.from(`${token}\n`), tag);
  return remotes.changeRemote(engine, input.name, { tokenFile: file });
}

/** Over a path nobody is asked for a token, and no certificate is shown. */
async function checkPath(
  path: string,
  own: string,
  input: { tokenFile?: string; tokenStdin: boolean; ca?: string },
): Promise<void> {
  if (input.tokenFile !== undefined || input.tokenStdin || input.ca !== undefined) {
    throw new PlaitError('usage', `${showText(path)} is a store on this machine: it wants neither a token nor --ca`, {
      hint: 'leave --token-file, --token-stdin and --ca out',
    });
  }
  await refuseOwn(path, own);
}

async function refuseOwn(path: string, own: string): Promise<void> {
  const { refuseOurselves } = await import('./path-peer.ts');
  refuseOurselves(path, storeAt(path) ?? path, own);
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

export async function setUrl(context: Context, name: string, text: string): Promise<Outcome<remotes.RemoteRow>> {
  const { url, volset } = parseAddress(context, text);
  const engine = await context.engine();
  const before = remotes.remoteByName(engine, name);
  if (before.tokenFile !== undefined && before.url !== url) {
    throw new PlaitError(
      'usage',
      `remote ${name} has a token for ${before.url}, which must not go to ${showText(url)}`,
      {
        hint: `remove the remote and add it anew${isPath(url) ? '' : ` with the token for ${url}`}`,
      },
    );
  }
  if (isPath(url)) await refuseOwn(url, engine.dir);
  const ca = isPath(url) ? undefined : before.ca;
  return remotes.changeRemote(engine, name, { url, ca, ...(volset !== undefined && { volsetName: volset }) });
}

export async function removeRemote(context: Context, name: string): Promise<Outcome<remotes.RemovedRemote>> {
  const engine = await context.engine();
  const { tokenFile } = remotes.remoteByName(engine, name);
  const removed = remotes.removeRemote(engine, name);
  // Only what we wrote ourselves; a file that was named with --token-file is the user's.
  if (tokenFile !== undefined && dirname(tokenFile) === dirname(tokenPath(engine.dir, name))) {
    removeFile(tokenFile);
  }
  return removed;
}

/** A remote by name, or any URL or path, also where there is no store. */
export async function showRemote(context: Context, text: string): ReturnType<typeof remotes.showRemote> {
  if (/^https?:\/\/|\/|^\.\.?$/.test(text)) {
    const { url } = parseAddress(context, text);
    const remote = { name: text, url, enabled: true };
    return remotes.showRemote({ openPeer: (config) => openRemote(context, config) }, remote);
  }
  const engine = await context.engine();
  return remotes.showRemote(engine, remotes.remoteByName(engine, text));
}
