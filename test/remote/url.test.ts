import assert from 'node:assert/strict';
import { parseHubUrl } from '../../src/remote/index.ts';
import { rejectsWith } from '../hub/support.ts';

describe('client: URLs of hubs', () => {
  const good: [string, string, string | undefined][] = [
    ['http://host:7420', 'http://host:7420', undefined],
    ['http://host:7420/', 'http://host:7420', undefined],
    ['HTTPS://Host/data', 'https://host', 'data'],
    ['https://host:443/data/', 'https://host', 'data'],
    ['http://[::1]:7420/my%20data', 'http://[::1]:7420', 'my data'],
    ['http://host/d%C3%A4ta', 'http://host', 'däta'],
  ];
  for (const [text, origin, volset] of good) {
    it(`${text} is a hub${volset ? ` and volset ${volset}` : ''}`, () => {
      assert.deepEqual(parseHubUrl(text), volset === undefined ? { origin } : { origin, volset });
    });
  }
  for (const text of [
    '',
    'host:7420',
    'ftp://host/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'ext::sh -c x',
    '-oProxyCommand=x',
    'http://',
    'http://host/a/b',
    'http://host/a?b=1',
    'http://host/#x',
    'http://host/%zz',
  ]) {
    it(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseHubUrl(text), rejectsWith('usage'));
    });
  }
  it('credentials are refused and not repeated', () => {
    for (const text of ['http://user:hunter2@host/x', 'http://hunter2@host', 'ftp://me:hunter2@host']) {
      assert.throws(
        () => parseHubUrl(text),
        (error: Error & { hint?: string }) => !`${error.message}${error.hint}`.includes('hunter2'),
      );
    }
  });
});
