/** `plait remote`: what of it touches files, stdin or the network. */
import { rmSync } from 'node:fs';
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
  const added = remotes.addRemote(engine, { name: input.name, url: origin, volsetName: volset, ca, tokenFile: given });
  if (!input.tokenStdin) return added;
  const file = tokenPath(engine.dir, input.name);
  ensureDir(dirname(file));
  writeFileDurable(file, Buffer.from(`${await readStdin(context)}\n`), engine.world.random(8).toString('hex'));
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

export async function removeRemote(context: Context, name: string): Promise<Outcome<{ removed: remotes.RemoteRow }>> {
  const engine = await context.engine();
  const removed = remotes.removeRemote(engine, name);
  rmSync(tokenPath(engine.dir, name), { force: true });
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
