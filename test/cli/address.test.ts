import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Address, isPath, parseAddress, sameStore, storeAt } from '../../src/cli/address.ts';
import { rejectsWith } from '../hub/support.ts';

describe('addresses of remotes', () => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'plait-address-')));
  const at = (...names: string[]) => join(dir, ...names);
  const context = { path: (text: string) => resolve(dir, text) };
  before(() => {
    for (const store of ['usb', 'a:b', 'with space', 'work/.plait', 'far']) {
      mkdirSync(at(store), { recursive: true });
      writeFileSync(at(store, 'format'), 'plait-store 1\n');
    }
    for (const plain of ['work/sub', 'linked', 'empty', 'sources/format']) mkdirSync(at(plain), { recursive: true });
    writeFileSync(at('linked/.plait'), JSON.stringify({ store: at('far'), volume: 'a'.repeat(32) }));
    symlinkSync(at('usb'), at('mounted'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const found: [text: string, address: Address][] = [
    ['http://hub:7420', { url: 'http://hub:7420' }],
    ['https://hub/results', { url: 'https://hub', volset: 'results' }],
    ['usb', { url: at('usb') }],
    ['./usb/', { url: at('usb') }],
    ['usb/results', { url: at('usb'), volset: 'results' }],
    ['work/../usb', { url: at('usb') }],
    [at('usb', 'results'), { url: at('usb'), volset: 'results' }],
    ['./a:b/data', { url: at('a:b'), volset: 'data' }],
    ['with space/data', { url: at('with space'), volset: 'data' }],
    ['work', { url: at('work') }],
    ['linked/data', { url: at('linked'), volset: 'data' }],
    // Not followed now: what is mounted there may be another disk tomorrow.
    ['mounted', { url: at('mounted') }],
  ];
  for (const [text, address] of found) {
    it(`${text.replace(dir, '…')} is ${address.url.replace(dir, '…')}`, () => {
      assert.deepEqual(parseAddress(context, text), address);
      assert.equal(isPath(address.url), !/^https?:/.test(text));
    });
  }

  const refused: [text: string, code: string, hint: RegExp][] = [
    ['file:///mnt/usb', 'usage', /write its path/],
    ['FILE:/mnt/usb', 'usage', /write its path/],
    ['hub:7420', 'usage', /http:\/\/HOST:PORT/],
    ['ftp://host/x', 'usage', /http:\/\/HOST:PORT/],
    ['ext::sh -c x', 'usage', /http:\/\/HOST:PORT/],
    ['empty', 'no-store', /init --bare/],
    ['', 'usage', /init --bare|\/mnt/],
    ['sources', 'no-store', /init --bare/],
    ['sources/data', 'no-store', /init --bare/],
    ['nowhere/at/all', 'no-store', /plug its disk in/],
    ['-oProxyCommand=x', 'no-store', /plug its disk in/],
    // A store further up is not what was named.
    ['work/sub/more', 'no-store', /plug its disk in/],
  ];
  for (const [text, code, hint] of refused) {
    it(`${text} is refused`, async () => {
      const parse = async () => parseAddress(context, text);
      await assert.rejects(parse(), rejectsWith(code));
      await assert.rejects(parse(), ({ hint: said }: { hint: string }) => hint.test(said));
    });
  }

  it('two paths may lead to one store', () => {
    assert.equal(storeAt(at('work')), at('work/.plait'));
    assert.equal(storeAt(at('linked')), at('far'));
    assert.ok(sameStore(at('usb'), at('mounted')));
    assert.ok(!sameStore(at('usb'), at('far')));
    assert.ok(!sameStore(at('usb'), at('empty')));
  });
});
