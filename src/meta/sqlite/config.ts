/** Local configuration kept in the store: remotes, settings, tokens. Never replicated. */
import { canonicalText } from '../../core/canonical.ts';
import { PlaitError } from '../../core/errors.ts';
import type { RemoteConfig, TokenRow } from '../contract.ts';
import { checkRow, rowSum } from './checksum.ts';
import type { Engine } from './engine.ts';
import { dropQueue, moveQueue } from './queue-rows.ts';

type Table = 'remotes' | 'settings' | 'tokens';
const KEY: Record<Table, string> = { remotes: 'name', settings: 'key', tokens: 'id' };

function rows({ db }: Engine, table: Table): { key: string; value: string }[] {
  return db
    .all<{ key: string; value: string; sum: string }>(
      `SELECT ${KEY[table]} AS key, value, sum FROM ${table} ORDER BY ${KEY[table]}`,
    )
    .map(({ key, value, sum }) => {
      checkRow(sum, table, key, value);
      return { key, value };
    });
}

function put({ db }: Engine, table: Table, key: string, value: string): void {
  const sql = `INSERT OR REPLACE INTO ${table}(${KEY[table]}, value, sum) VALUES (?, ?, ?)`;
  db.write(() => db.run(sql, key, value, rowSum(table, key, value)));
}

function remove({ db }: Engine, table: Table, key: string): void {
  db.write(() => db.run(`DELETE FROM ${table} WHERE ${KEY[table]} = ?`, key));
}

export const listRemotes = (engine: Engine): RemoteConfig[] =>
  rows(engine, 'remotes').map(({ value }) => JSON.parse(value) as RemoteConfig);
export const putRemote = (engine: Engine, remote: RemoteConfig): void =>
  put(engine, 'remotes', remote.name, canonicalText(remote));

/** With its queue: nothing may go to another remote that takes the name later. */
export function removeRemote(engine: Engine, name: string): void {
  engine.db.write(() => {
    remove(engine, 'remotes', name);
    dropQueue(engine, name);
  });
}

export function renameRemote(engine: Engine, from: string, to: string): void {
  engine.db.write(() => {
    const remotes = listRemotes(engine);
    const remote = remotes.find(({ name }) => name === from);
    if (remote === undefined) {
      throw new PlaitError('not-found', `There is no remote ${from}.`, { hint: 'See `plait remote list`.' });
    }
    if (remotes.some(({ name }) => name === to)) {
      throw new PlaitError('exists', `There is a remote ${to} already.`, { hint: 'Choose another name.' });
    }
    putRemote(engine, { ...remote, name: to });
    dropQueue(engine, to);
    moveQueue(engine, from, to);
    remove(engine, 'remotes', from);
  });
}

export const settings = (engine: Engine): Record<string, string> =>
  Object.fromEntries(rows(engine, 'settings').map(({ key, value }) => [key, value]));
export const putSetting = (engine: Engine, key: string, value: string | null): void =>
  value === null ? remove(engine, 'settings', key) : put(engine, 'settings', key, value);

/** Oldest first: ids are random, so their order would say nothing. */
export const listTokens = (engine: Engine): TokenRow[] =>
  rows(engine, 'tokens')
    .map(({ value }) => JSON.parse(value) as TokenRow)
    .sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
export const putToken = (engine: Engine, token: TokenRow): void =>
  put(engine, 'tokens', token.id, canonicalText(token));

/** False when there is no such token. */
export function revokeToken(engine: Engine, id: string): boolean {
  return engine.db.write(() => {
    const token = listTokens(engine).find((row) => row.id === id);
    if (token) putToken(engine, { ...token, revoked: true });
    return token !== undefined;
  });
}
