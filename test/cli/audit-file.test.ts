/** The audit log as a file, and the settings of how a hub is run. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditFile } from '../../src/cli/audit-file.ts';
import { hubService } from '../../src/cli/hub-service.ts';
import type { AuditEntry } from '../../src/hub/audit.ts';

const entry = (n: number): AuditEntry => ({
  time: new Date(n).toISOString(),
  action: 'upload',
  token: null,
  label: 'a "b"\n',
  volset: null,
  outcome: 'done',
  status: 200,
  code: null,
  bytes: n,
  from: '127.0.0.1',
});
const linesOf = (path: string): { bytes: number }[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('audit file', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-audit-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is for its owner only, goes on at its end, and anew where it was moved away', async () => {
    const path = join(dir, 'audit.log');
    const write = async (n: number, meanwhile = (_file: AuditFile): void => undefined): Promise<void> => {
      await using file = await AuditFile.open(path, assert.fail);
      meanwhile(file);
      file.write(entry(n));
    };
    await write(1);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await write(2, (file) => {
      renameSync(path, `${path}.1`);
      file.reopen();
    });
    await write(3);
    assert.deepEqual(
      linesOf(`${path}.1`).map(({ bytes }) => bytes),
      [1],
    );
    assert.deepEqual(
      linesOf(path).map(({ bytes }) => bytes),
      [2, 3],
    );
  });

  it('keeps lines that it cannot write, says so once, and writes them when it can', async () => {
    const folder = join(dir, 'logs');
    const path = join(folder, 'audit.log');
    mkdirSync(folder);
    const said: string[] = [];
    const failed = Promise.withResolvers<void>();
    const file = await AuditFile.open(path, (message) => {
      said.push(message);
      failed.resolve();
    });
    rmSync(folder, { recursive: true });
    file.reopen();
    file.write(entry(1));
    await failed.promise;
    assert.match(file.fault() ?? '', /ENOENT/);
    mkdirSync(folder);
    file.write(entry(2));
    await file[Symbol.asyncDispose]();
    assert.deepEqual(
      linesOf(path).map(({ bytes }) => bytes),
      [1, 2],
    );
    assert.deepEqual([said.length, file.fault()], [1, undefined]);
    await assert.rejects(AuditFile.open(join(dir, 'none', 'audit.log'), assert.fail), /ENOENT/);
  });

  it('settings of a hub are checked', () => {
    const of = (values: Record<string, string>) => hubService({ origin: '/srv', read: () => values });
    assert.deepEqual(of({}), { minFree: 0, auditFile: undefined, trustedProxies: [] });
    assert.deepEqual(of({ 'hub.trusted-proxies': '127.0.0.1, 10.0.0.0/8,::1' }).trustedProxies, [
      '127.0.0.1',
      '10.0.0.0/8',
      '::1',
    ]);
    for (const wrong of ['localhost', '0.0.0.0/0', '10.0.0.0/33', '10.0.0.0/8/8', '', '1.2.3.4,'])
      assert.throws(() => of({ 'hub.trusted-proxies': wrong }), /not valid/, wrong);
    assert.throws(() => of({ 'hub.audit-file': 'audit.log' }), /not valid/);
    assert.throws(() => of({ 'hub.min-free': 'much' }), /not valid/);
  });
});
