/** The verbs as people and programs use them: exit codes, documents, words. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';

describe('e2e: gc and drop', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    await lab.volume('work', hub);
    for (const text of ['one', 'two', 'three']) {
      writeFileSync(lab.path('work', 'text'), text.repeat(2000));
      await lab.in('work', ['snapshot', '-m', `as ${text}`]);
    }
  });
  after(() => lab[Symbol.asyncDispose]());
  const here = async (): Promise<boolean[]> =>
    (await lab.in('work', ['log'])).snapshots.map(({ hasBlob }: Document) => hasBlob);

  it('drop wants proof: exit 9 and the way out', async () => {
    const doc = await lab.in('work', ['drop', 'main~1'], 9);
    assert.deepEqual([doc.dropped, doc.kept[0].reason], [[], 'unproven']);
    const text = await lab.text(['-C', lab.path('work'), 'drop', 'main~1'], 9);
    assert.match(text, /no remote says that it holds it: push it, or --force to lose it/);
    await fails(['-C', lab.path('work'), 'drop', 'nosuch'], {
      exit: 10,
      code: 'not-found',
      message: /nosuch/,
      hint: /./,
    });
  });

  it('gc with a retention names what goes, drops it, and a pull by name brings it back', async () => {
    await lab.in('work', ['push']);
    const text = await lab.text(['-C', lab.path('work'), 'gc', '--keep-last', '1', '--dry-run']);
    assert.match(text, /data: to be dropped here\n.*of 20.* on main: as one\n\s+last version here of text\n/);
    assert.match(text, /2 snapshots would be dropped here, 1 kept/);
    assert.deepEqual(await here(), [true, true, true]);
    const doc = await lab.in('work', ['gc', '--keep-last', '1']);
    assert.deepEqual([doc.dropped, doc.kept, doc.volsets[0].volset], [2, 1, 'data']);
    await lab.in('work', ['sync']);
    assert.deepEqual(await here(), [true, false, false]);
    assert.match(await lab.text(['-C', lab.path('work'), 'log']), /not here/);
    await lab.verify(hub.store);
    await fails(['-C', lab.path('work'), 'cat', 'main~1', 'text'], {
      exit: 10,
      code: 'blob-absent',
      message: /not in this store/,
      hint: /plait pull origin --snapshot/,
    }).catch(() => {});
    const { snapshots } = await lab.in('work', ['log']);
    await lab.in('work', ['pull', '--snapshot', snapshots[1].snapshot]);
    assert.deepEqual(await here(), [true, true, false]);
    await lab.verify(lab.path('work/.plait'));
  });

  it('serve --maintain does it beside the hub, and stops with it', async () => {
    const kept = await lab.hub('kept', '--maintain', '1s');
    await lab.run(['-C', lab.path('work'), 'remote', 'add', 'kept', `${kept.url}/data`]);
    // A part of the history is not here any more, which the new remote is told.
    await lab.in('work', ['push', 'kept'], 3);
    await kept.stop();
    const again = await lab.hubWith({}, 'kept', '--maintain', '24h');
    const end = await again.stop();
    assert.equal(end.exit, 0);
    await lab.verify(kept.store);
  });

  it('keeps what a hub that is away would have to vouch for: exit 13, with the document', async () => {
    writeFileSync(lab.path('work', 'text'), 'four');
    await lab.in('work', ['snapshot', '--push', 'origin']);
    await hub.stop();
    const doc = await lab.in('work', ['gc', '--keep-last', '1'], 13);
    const reasons = doc.volsets[0].kept.map(({ reason }: Document) => reason);
    assert.deepEqual(reasons.sort(), ['not-asked', 'tip'], 'the other remote was last seen at an older tip');
    const text = await lab.text(['-C', lab.path('work'), 'gc', '--keep-last', '1'], 13);
    assert.match(text, /kept: a remote that may hold it could not be asked/);
  });

  it('a hub logs its rounds', async () => {
    const { startPlait } = await import('./helpers/plait.ts');
    const running = startPlait(['serve', lab.path('kept'), '--listen', '127.0.0.1:0', '--json', '--maintain', '1s'], {
      cwd: lab.dir,
      input: '',
    });
    try {
      await running.output(/"event":"maintain-gc","dropped":0/);
      await running.output(/"event":"maintain-scrub","ok":true/);
      await running.output(/"event":"maintain-ends"/);
    } finally {
      running.child.kill('SIGTERM');
    }
    const { exit, stderr } = await running.ended;
    assert.equal(exit, 0);
    assert.doesNotMatch(stderr, /failed|"level":"error"/);
  });
});
