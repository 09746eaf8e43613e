import assert from 'node:assert/strict';
import { type Document, type Hub, Lab } from './helpers/lab.ts';

/** Is the volset in target, current, initial; then after a two-way sync, and after a one-way one, in target, current. */
const TABLE: [before: string, twoWay: string, oneWay: string][] = [
  ['000', 'not-found', 'not-found'],
  ['001', '00', '00'],
  ['010', '11', 'not-found'],
  ['011', '00', '00'],
  ['100', '11', '11'],
  ['101', '00', '10'],
  ['110', '11', '11'],
  ['111', '11', '11'],
];

describe('e2e: a volset that is present, or was deleted, in target, current and initial', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  /** Another hub, over which two stores come to hold a volset that neither has spoken of with the first. */
  let aside: Hub;
  before(async () => {
    lab = new Lab();
    [hub, aside] = await Promise.all([lab.hub('hub'), lab.hub('aside')]);
  });
  after(() => lab[Symbol.asyncDispose]());

  const at = (store: string, ...argv: string[]) => lab.run(['--store', lab.path(store), ...argv]);
  const makeStore = async (store: string, volset: string) => {
    await at(store, 'init', '--bare', '--volset', volset);
    await at(store, 'remote', 'add', 'origin', `${hub.url}/${volset}`);
  };

  /** In store `a-VOLSET`; what the hub is to hold comes from there, or from store `b-VOLSET`. */
  async function arrange([target, current, initial]: string, volset: string): Promise<void> {
    const [a, b] = [`a-${volset}`, `b-${volset}`];
    if (initial === '1') {
      await makeStore(a, volset);
      await at(a, 'push');
      if (target === '0') await at('hub', 'volset', 'delete', volset);
      if (current === '0') await at(a, 'volset', 'delete', volset);
      return;
    }
    if (current === '1') await makeStore(a, volset);
    else {
      await at(a, 'init', '--bare');
      await at(a, 'remote', 'add', 'origin', `${hub.url}/${volset}`);
    }
    if (target === '0') return;
    if (current === '0') await makeStore(b, volset);
    else {
      await at(a, 'remote', 'add', 'aside', `${aside.url}/${volset}`);
      await at(a, 'push', 'aside');
      await at(b, 'clone', '--bare', `${aside.url}/${volset}`);
      await at(b, 'remote', 'rename', 'origin', 'aside');
      await at(b, 'remote', 'add', 'origin', `${hub.url}/${volset}`);
    }
    await at(b, 'push', 'origin');
  }

  const sides = async (volset: string): Promise<string> => {
    const lists = await Promise.all(['hub', `a-${volset}`].map((store) => at(store, 'volset', 'list')));
    return lists.map(({ volsets }) => (volsets.some((row: Document) => row.name === volset) ? '1' : '0')).join('');
  };

  async function check(before: string, mode: string, flags: string[], after: string): Promise<void> {
    const volset = `v${before}-${mode}`;
    await arrange(before, volset);
    assert.equal(await sides(volset), before.slice(0, 2));
    const argv = ['--store', lab.path(`a-${volset}`), 'sync', '--max-delete', '100%', ...flags];
    if (after === 'not-found') {
      const { error } = await lab.run(argv, 10);
      assert.deepEqual([error.code, error.exit], ['not-found', 10]);
      assert.equal(await sides(volset), before.slice(0, 2));
      return;
    }
    const done = await lab.run(argv);
    assert.deepEqual([done.conflicts, done.problems], [[], []]);
    assert.equal(await sides(volset), after, mode);
    const again = await lab.run(argv);
    assert.deepEqual([again.upToDate, again.requests], [true, 1]);
  }

  for (const [before, twoWay, oneWay] of TABLE) {
    it(`${before}: ${twoWay} two-way, ${oneWay} one-way`, async () => {
      await Promise.all([check(before, 'two-way', [], twoWay), check(before, 'one-way', ['--pull-only'], oneWay)]);
    });
  }
});
