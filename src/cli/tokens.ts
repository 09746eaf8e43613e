/** `plait token`: bearer tokens of a hub. */
import { PlaitError } from '../core/errors.ts';
import { newToken } from '../hub/bearer-token.ts';
import type { TokenRow } from '../meta/contract.ts';
import { type Engine, volsetByName } from '../sync/engine.ts';
import { RIGHTS, type Right } from '../wire/transfer-service.ts';

export interface TokenDocument {
  id: string;
  label: string;
  volset: string;
  can: string[];
  created: string;
  expires: string | null;
  revoked: boolean;
  /** Stored bytes that it has added here. */
  usedBytes: number;
}

const document = (
  { id, label, volset, can, created, expires, revoked }: TokenRow,
  usage: Record<string, number> = {},
): TokenDocument => ({
  id,
  label,
  volset,
  can,
  created: new Date(created).toISOString(),
  expires: expires === null ? null : new Date(expires).toISOString(),
  revoked,
  usedBytes: usage[id] ?? 0,
});

export function createToken(
  engine: Pick<Engine, 'meta' | 'world'>,
  flags: { volset?: string; can?: string; expires?: number; label?: string },
): { result: TokenDocument & { token: string } } {
  const { meta, world } = engine;
  const volset =
    flags.volset === undefined || flags.volset === '*' ? '*' : volsetByName(meta.listVolsets(), flags.volset).id;
  const now = world.now();
  const expires = flags.expires === undefined ? null : now + flags.expires;
  const { text, row } = newToken(
    { volset, can: rightsOf(flags.can ?? 'read'), label: flags.label ?? '', expires },
    world.random,
    now,
  );
  meta.putToken(row);
  return { result: { ...document(row), token: text } };
}

function rightsOf(text: string): Right[] {
  const rights = text.split(',').map((part) => part.trim());
  const unknown = rights.filter((right) => !(RIGHTS as readonly string[]).includes(right));
  if (unknown.length === 0) return [...new Set(rights)] as Right[];
  throw new PlaitError('usage', `there is no right ${unknown.join(', ')}`, { hint: `rights are ${RIGHTS.join(', ')}` });
}

export const listTokens = ({ meta }: Pick<Engine, 'meta'>): { result: { tokens: TokenDocument[] } } => ({
  result: { tokens: tokensOf(meta) },
});

function tokensOf(meta: Engine['meta']): TokenDocument[] {
  const usage = meta.usage();
  return meta.listTokens().map((row) => document(row, usage));
}

export function revokeToken({ meta }: Pick<Engine, 'meta'>, id: string): { result: { revoked: string } } {
  if (meta.revokeToken(id)) return { result: { revoked: id } };
  throw new PlaitError('not-found', `there is no token ${id}`, { hint: 'see `plait token list`' });
}
