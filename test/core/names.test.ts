import assert from 'node:assert/strict';
import nodePath from 'node:path';
import fc from 'fast-check';
import {
  displayNames,
  foldName,
  isLegalPath,
  isReservedName,
  nameFault,
  nameFromText,
  objectNameFault,
  unsafeOn,
} from '../../src/core/names.ts';
import type { PathKey } from '../../src/core/paths.ts';

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('core/names: file names', () => {
  for (const name of ['', '.', '..', 'a/b', '/', 'a\0b', '\0', 'x'.repeat(256), 'a\u0100']) {
    it(`refuses ${JSON.stringify(name.slice(0, 10))}`, () => assert.ok(nameFault(name)));
  }
  for (const name of [
    'a',
    '...',
    '..a',
    'a\\b',
    'C:',
    '__proto__',
    'constructor',
    '\xff\xfe',
    '-rf',
    'x'.repeat(255),
    '.git',
    '.plaits',
    'xplait',
    'plait',
    '.plai',
    'plait~',
    'plait~x',
  ]) {
    it(`takes ${JSON.stringify(name.slice(0, 10))}`, () => assert.equal(nameFault(name), undefined));
  }

  const stores = [
    '.plait',
    '.PLAIT',
    '.Plait',
    '.plait.',
    '.plait ',
    '.plait. . ',
    '.plait::$DATA',
    '.plait:x',
    '.plait::$INDEX_ALLOCATION',
    'PLAIT~1',
    'plait~1',
    'plait~12',
    'PLAIT~1.',
    '.pl\u200cait',
    '\ufeff.plait',
    '.plait\u200d',
    '.p\u00adlait',
    '\u2024plait',
    '\uff0eplait',
    '.\uff50\uff4c\uff41\uff49\uff54',
    '.pla\u0131t',
    '.PLA\u0130T'.normalize('NFKC').replace('\u0130', '\u0131'),
    '.\u24dflait',
    ' .plait',
    '.plait\u180e',
    '.pl\u2060ait\ufe0f',
  ];
  for (const name of stores) {
    it(`${JSON.stringify(name)} is a store's name`, () => {
      assert.ok(isReservedName(bytes(name)));
      assert.ok(nameFault(bytes(name)));
      assert.ok(!isLegalPath(`a\0${bytes(name)}\0b` as PathKey));
    });
  }

  it('checks each part of a path and its length', () => {
    for (const path of ['', 'a\0', '\0a', 'a\0\0b', 'a\0..\0b', `${'a\0'.repeat(2048)}a`])
      assert.ok(!isLegalPath(path as PathKey), path);
    assert.ok(isLegalPath(`${'a\0'.repeat(2047)}a` as PathKey));
  });

  it('stays under the root on posix and, where it is not unsafe, on Windows, whatever the name', () => {
    const evil = fc.oneof(
      fc
        .array(fc.constantFrom('.', '..', '\\', '/', ':', 'C', ' ', 'a', '\\\\srv', '?', '$', '::$DATA', 'nul'), {
          maxLength: 6,
        })
        .map((a) => a.join('')),
      fc.string({ maxLength: 20 }).map(bytes),
    );
    fc.assert(
      fc.property(fc.array(evil, { minLength: 1, maxLength: 4 }), (names) => {
        if (!isLegalPath(names.join('\0') as PathKey)) return;
        const posix = nodePath.posix.resolve('/root', names.join('/'));
        assert.ok(posix.startsWith('/root/'), posix);
        if (names.some((name) => unsafeOn('win32', name))) return;
        const win = nodePath.win32.resolve('C:\\root', names.join('\\'));
        assert.ok(win.startsWith('C:\\root\\'), win);
      }),
      { numRuns: 2000 },
    );
  });

  for (const name of [
    'a\\b',
    'C:',
    'c:x',
    'nul',
    'NUL.txt',
    'com1',
    'COM\u00b9',
    'lpt9.a.b',
    'con ',
    'conin$',
    'a.',
    'a ',
    'a?',
    'a<',
    'x\u0001',
    'a:b',
    '\\\\srv\\share',
    'aux:x',
  ]) {
    it(`${JSON.stringify(name)} is unsafe on Windows only`, () => {
      assert.ok(unsafeOn('win32', bytes(name)));
      assert.equal(unsafeOn('linux', bytes(name)), undefined);
    });
  }
  it('knows that bytes which are not UTF-8 exist only on Linux', () => {
    assert.ok(unsafeOn('darwin', '\xff'));
    assert.ok(unsafeOn('win32', '\xff'));
    assert.equal(unsafeOn('linux', '\xff'), undefined);
    assert.equal(unsafeOn('win32', 'console'), undefined);
  });

  it('folds case and normal forms, and nothing else', () => {
    for (const [a, b] of [
      ['Makefile', 'makefile'],
      ['\u00c9t\u00e9', 'e\u0301te\u0301'],
      ['\u017f', 'S'],
      ['\u212a', 'k'],
    ]) {
      assert.equal(foldName(bytes(a)), foldName(bytes(b)));
    }
    assert.notEqual(foldName('a'), foldName('b'));
    assert.notEqual(foldName(bytes('\u00e9')), foldName('e'));
    assert.equal(foldName('\xffA'), foldName('\xffa'));
    assert.notEqual(foldName('\xff'), foldName('\xfe'));
  });
});

describe('core/names: objects', () => {
  const bad = [
    '',
    'a~1',
    'a:b',
    'a@b',
    'a b',
    'a\tb',
    'a\u0007',
    '-x',
    '.x',
    'abcdef0',
    'ABCDEF0123',
    '1234567',
    'a//b',
    '/a',
    'a/',
    'origin/x',
    '\ud800',
    'a\u202eb',
    'a\u200b',
    'x'.repeat(256),
  ];
  for (const name of bad) {
    it(`no branch is called ${JSON.stringify(name.slice(0, 20))}`, () =>
      assert.ok(objectNameFault('branch', name, ['origin'])));
  }
  for (const name of [
    'main',
    'feature/x',
    'origins/x',
    'origin',
    'abcdef',
    'abcdefg',
    '__proto__',
    '\u00fcber',
    'a.b-c_d',
    '123456',
  ]) {
    it(`a branch may be called ${name}`, () => assert.equal(objectNameFault('branch', name, ['origin']), undefined));
  }
  it('keeps slashes out of remotes, and allows dates as names of snapshots', () => {
    assert.ok(objectNameFault('remote', 'a/b'));
    assert.equal(objectNameFault('snapshot', '20241231'), undefined);
    assert.ok(objectNameFault('snapshot', 'a'.repeat(64)));
  });

  it('makes a legal name of any text', () => {
    for (const [text, name] of [
      ['My Data', 'My-Data'],
      ['..hidden', 'hidden'],
      ['deadbeef', 'data-deadbeef'],
      ['', 'data'],
      ['~~', 'data'],
      ['a:b', 'a-b'],
    ]) {
      assert.equal(nameFromText(text, 'data'), name);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        assert.equal(objectNameFault('volset', nameFromText(text, 'data')), undefined),
      ),
    );
  });

  it('shows the oldest name as it is and the others by their ids', () => {
    const shown = displayNames([
      { id: 'bbbb2222', name: 'x', stamp: '2' },
      { id: 'aaaa1111', name: 'x', stamp: '1' },
      { id: 'bbbb3333', name: 'x', stamp: '3' },
      { id: 'cccc4444', name: 'x', stamp: '4' },
      { id: 'dddd5555', name: 'x.cccc', stamp: '9' },
      { id: 'eeee0000', name: '__proto__', stamp: '1' },
    ]);
    assert.deepEqual(Object.fromEntries([...shown].filter(([id]) => id !== 'eeee0000')), {
      aaaa1111: 'x',
      bbbb2222: 'x.bbbb2',
      bbbb3333: 'x.bbbb3',
      cccc4444: 'x.cccc4',
      dddd5555: 'x.cccc',
    });
    assert.equal(shown.get('eeee0000'), '__proto__');
  });

  it('shows unique names, the same in every order', () => {
    const id = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 8, maxLength: 8 });
    const named = fc.record({ id, name: fc.constantFrom('x', 'y', 'x.aaaa'), stamp: fc.constantFrom('1', '2') });
    fc.assert(
      fc.property(fc.uniqueArray(named, { selector: (n) => n.id, maxLength: 30 }), (list) => {
        const shown = displayNames(list);
        assert.equal(new Set(shown.values()).size, list.length);
        const again = displayNames([...list].reverse());
        for (const { id } of list) assert.equal(again.get(id), shown.get(id));
      }),
    );
  });
});
