import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { AnswerMixer, AnswerSplitter } from './answers.ts';
import { type BadNetwork, startBadNetwork } from './bad-network.ts';
import { Bandwidth, type Clock, Lane } from './lane.ts';

/** A clock that a test moves; what is due runs in order of time. */
class Schedule implements Clock {
  #now = 0;
  #due: { at: number; then: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): () => void {
    const item = { at: this.#now + ms, then };
    this.#due.push(item);
    return () => {
      this.#due = this.#due.filter((other) => other !== item);
    };
  }

  pass(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.at - b.at).find(({ at }) => at <= until);
      if (!next) break;
      this.#due = this.#due.filter((item) => item !== next);
      this.#now = Math.max(this.#now, next.at);
      next.then();
    }
    this.#now = until;
  }
}

interface Out {
  lane: Lane;
  /** Bytes that came out by now. */
  bytes: () => number;
  events: string[];
}

function lane(clock: Clock, bandwidth: Bandwidth, delay: number, window = 1 << 20, takes = () => true): Out {
  let bytes = 0;
  const events: string[] = [];
  const made = new Lane({
    clock,
    bandwidth,
    delay: () => delay,
    window,
    deliver: (piece) => {
      bytes += piece.length;
      return takes();
    },
    end: () => events.push(`end after ${bytes}`),
    room: () => events.push('room'),
  });
  return { lane: made, bytes: () => bytes, events };
}

describe('bad network: a lane', () => {
  it('delays all bytes by the same time, however many are on their way, and the end behind them', () => {
    const clock = new Schedule();
    const { lane: line, bytes, events } = lane(clock, new Bandwidth(clock), 40);
    line.push(Buffer.alloc(10));
    clock.pass(30);
    line.push(Buffer.alloc(5));
    line.finish();
    clock.pass(9);
    assert.equal(bytes(), 0);
    clock.pass(1);
    assert.equal(bytes(), 10);
    clock.pass(29);
    assert.deepEqual([bytes(), events], [10, []]);
    clock.pass(1);
    assert.deepEqual([bytes(), events], [15, ['end after 15']]);
  });

  it('lets out as many bytes as the bandwidth allows, shared evenly', () => {
    const clock = new Schedule();
    const shared = new Bandwidth(clock, 8_000_000);
    const [a, b] = [lane(clock, shared, 0), lane(clock, shared, 0)];
    a.lane.push(Buffer.alloc(700_000));
    b.lane.push(Buffer.alloc(700_000));
    clock.pass(1000);
    // A byte a microsecond, and what was saved up while nobody sent.
    const sum = a.bytes() + b.bytes();
    assert.ok(sum >= 990_000 && sum <= 1_021_000, `${sum}`);
    assert.ok(Math.abs(a.bytes() - b.bytes()) <= 4096, `${a.bytes()} and ${b.bytes()}`);
    shared.rate = Number.POSITIVE_INFINITY;
    clock.pass(1);
    assert.equal(a.bytes() + b.bytes(), 1_400_000);
  });

  it('a very slow line moves all the same', () => {
    const clock = new Schedule();
    const { lane: line, bytes } = lane(clock, new Bandwidth(clock, 800), 0);
    line.push(Buffer.alloc(500));
    clock.pass(1000);
    assert.ok(bytes() >= 98 && bytes() <= 102, `${bytes()}`);
  });

  it('has no room beyond its window until bytes have come out', () => {
    const clock = new Schedule();
    const { lane: line, events } = lane(clock, new Bandwidth(clock), 10, 100);
    assert.equal(line.push(Buffer.alloc(60)), true);
    clock.pass(5);
    assert.equal(line.push(Buffer.alloc(60)), false);
    clock.pass(4);
    assert.deepEqual(events, []);
    clock.pass(1);
    assert.deepEqual(events, ['room']);
  });

  it('waits for a receiver that takes no more', () => {
    const clock = new Schedule();
    let takes = false;
    const { lane: line, bytes } = lane(clock, new Bandwidth(clock), 1, 100, () => takes);
    for (let i = 0; i < 3; i++) line.push(Buffer.alloc(10));
    clock.pass(100);
    assert.equal(bytes(), 10);
    takes = true;
    line.resume();
    assert.equal(bytes(), 30);
  });
});

const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('bad network: answers', () => {
  it('are cut out of any pieces, by length and by chunks', () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    const all = answer('one') + chunked + answer('');
    for (const size of [1, 2, 7, 1000]) {
      const splitter = new AnswerSplitter();
      const found: string[] = [];
      for (let i = 0; i < all.length; i += size)
        found.push(...splitter.push(Buffer.from(all.slice(i, i + size))).map(String));
      assert.deepEqual(found, [answer('one'), chunked, answer('')]);
      assert.equal(splitter.rest().length, 0);
    }
  });

  it('are sent twice, given again, and swapped', () => {
    const mixer = new AnswerMixer();
    const log: string[] = [];
    const sink = (name: string) => ({ send: (bytes: Buffer) => log.push(`${name}${bytes}`) });
    const [a, b] = [sink('a'), sink('b')];
    const give = (to: typeof a, text: string) => mixer.pass(to, Buffer.from(text));
    mixer.faults = { duplicate: [1], repeat: [2], swap: [4] };
    give(a, '1');
    give(a, '2');
    give(a, '3');
    give(a, '4');
    give(b, '5');
    give(b, '6');
    assert.deepEqual(log, ['a1', 'a1', 'a2', 'a2', 'b4', 'a5', 'b6']);
  });
});

/** Echoes, or sends what it is told to. */
async function echo(greeting?: Buffer): Promise<{ server: Server; to: string }> {
  const server = createServer((socket) => {
    if (greeting) socket.write(greeting);
    socket.on('error', () => {}).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, to: `127.0.0.1:${(server.address() as { port: number }).port}` };
}

interface Dialled {
  socket: Socket;
  got: () => Buffer;
  closed: Promise<void>;
  /** Resolves when so many bytes have come. */
  atLeast(bytes: number): Promise<void>;
}

function dial(network: BadNetwork): Dialled {
  const socket = connect(Number(new URL(network.url).port), '127.0.0.1');
  let got = Buffer.alloc(0);
  const closed = new Promise<void>((resolve) => socket.on('error', () => {}).on('close', () => resolve()));
  socket.on('data', (bytes: Buffer) => {
    got = Buffer.concat([got, bytes]);
  });
  const atLeast = async (bytes: number): Promise<void> => {
    while (got.length < bytes) await new Promise((resolve) => socket.once('data', resolve));
  };
  return { socket, got: () => got, closed, atLeast };
}

describe('bad network: connections', () => {
  let server: Server;
  let network: BadNetwork;
  const start = async (faults: Partial<Parameters<typeof startBadNetwork>[0]>, greeting?: Buffer): Promise<void> => {
    const made = await echo(greeting);
    server = made.server;
    network = await startBadNetwork({ to: made.to, ...faults });
  };
  afterEach(async () => {
    await network.close();
    server.close();
  });

  it('passes bytes and ends on, and counts both', async () => {
    await start({ delay: 2 });
    const { socket, got, closed } = dial(network);
    socket.end('hello');
    await closed;
    assert.equal(got().toString(), 'hello');
    // The hub's side of it closes on its own.
    while (network.stats.open > 0) await new Promise(setImmediate);
    const { up, down, connections } = network.stats;
    assert.deepEqual([up, down, connections], [5, 5, 1]);
  });

  it('cuts at each point of a list, over all connections', async () => {
    await start({ cut: { up: [10, 25] } });
    for (const total of [10, 25]) {
      const { socket, closed } = dial(network);
      socket.write(Buffer.alloc(100));
      await closed;
      assert.equal(network.stats.up, total);
    }
    const { socket, atLeast } = dial(network);
    socket.write(Buffer.alloc(100));
    await atLeast(100);
    assert.deepEqual([network.stats.up, network.stats.cuts], [125, 2]);
  });

  it('cuts each connection after bytes of its own, and behind the last of them', async () => {
    await start({ cutEach: { down: 4 } }, Buffer.from('greetings'));
    for (let i = 0; i < 3; i++) {
      const { closed, got } = dial(network);
      await closed;
      assert.equal(got().toString(), 'gree');
    }
    assert.equal(network.stats.down, 12);
  });

  it('stalls at a point, and goes on when told to', async () => {
    await start({ stall: { up: 3 } });
    const { socket, atLeast, got } = dial(network);
    socket.write('abcdef');
    await atLeast(3);
    const other = dial(network);
    other.socket.write('x');
    while (network.stats.upTaken < 7) await new Promise(setImmediate);
    assert.deepEqual([got().toString(), network.stats.up, network.stats.open], ['abc', 3, 2]);
    await network.set({ stall: undefined });
    await atLeast(6);
    await other.atLeast(1);
    assert.equal(got().toString(), 'abcdef');
  });

  it('changes single bytes each way', async () => {
    await start({ corrupt: { up: [1], down: [3] } });
    const { socket, atLeast, got } = dial(network);
    socket.write(Buffer.alloc(5));
    await atLeast(5);
    assert.deepEqual([...got()], [0, 0x55, 0, 0x55, 0]);
  });

  it('goes down, refuses, and comes back at the same address', async () => {
    await start({});
    const { socket, atLeast, closed } = dial(network);
    socket.write('x');
    await atLeast(1);
    await network.set({ refuse: true });
    await closed;
    const refused = dial(network);
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => refused.socket.on('error', resolve));
    assert.equal(error.code, 'ECONNREFUSED');
    await network.set({ refuse: false });
    const again = dial(network);
    again.socket.write('y');
    await again.atLeast(1);
  });

  it('holds no more in flight than its window and the sockets', async () => {
    await start({ stall: { up: 0 }, window: 65_536 });
    const { socket } = dial(network);
    // More than all buffers: the sender must be made to wait.
    let taken = -1;
    for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(1 << 20));
    while (taken !== network.stats.upTaken || taken === 0) {
      taken = network.stats.upTaken;
      for (let i = 0; i < 50; i++) await new Promise(setImmediate);
    }
    assert.ok(taken <= 65_536 * 2, `${taken} bytes taken`);
    socket.destroy();
  });
});
