/**
 * A bad network in a box: a TCP proxy on the loopback interface in front of a hub, for tests, soak and benchmarks. It
 * needs no rights. Delay, bandwidth, cuts, stalls, corrupted bytes, answers in the wrong place, a hub that is away.
 */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type AnswerFaults, AnswerMixer } from './answers.ts';
import { Connection } from './bad-connection.ts';
import { Bandwidth, type Clock, realClock } from './lane.ts';

/** Up: from the client to the hub. */
export type Way = 'up' | 'down';
type EachWay<T> = { [way in Way]?: T };

export interface NetworkFaults {
  /** Milliseconds there and back, half each way. */
  delay?: number;
  /** Bits a second, shared by all connections. */
  bandwidth?: EachWay<number>;
  /** Bytes on the way in one direction of a connection, beyond the sockets' own buffers. Default 4 MiB. */
  window?: number;
  /** All connections are cut when so many bytes have come out, over all connections since the start; any number. */
  cut?: EachWay<number[]> & { both?: number[] };
  /** Each connection is cut after so many bytes of its own. */
  cutEach?: EachWay<number>;
  /** Nothing comes out any more after so many bytes over all connections; they stay open. */
  stall?: EachWay<number>;
  /** Offsets, over all connections since the start, of bytes that come out changed. */
  corrupt?: EachWay<number[]>;
  /** From the next new connection on: answers are kept back until they are whole. */
  answers?: AnswerFaults;
  /** Nothing listens, and what was connected is cut. */
  refuse?: boolean;
}

export interface NetworkStats {
  /** Since the start. */
  connections: number;
  open: number;
  /** Bytes that came out. */
  up: number;
  down: number;
  /** Bytes that went in: with what is in flight. */
  upTaken: number;
  downTaken: number;
  cuts: number;
  /** Whole answers seen, with `answers` only. */
  answers: number;
}

export interface BadNetwork extends AsyncDisposable {
  /** What a client connects to. */
  readonly url: string;
  readonly stats: Readonly<NetworkStats>;
  /** Changes the given faults at once, for connections that there are as well; undefined ends a fault. */
  set(faults: NetworkFaults): Promise<void>;
  /** Cuts what is connected now. */
  cut(): void;
  close(): Promise<void>;
}

export interface BadNetworkOptions extends NetworkFaults {
  /** The hub's `http(s)://HOST:PORT`, or only HOST:PORT. TLS goes through as it is. */
  to: string;
  clock?: Clock;
}

export async function startBadNetwork({ to, clock = realClock, ...faults }: BadNetworkOptions): Promise<BadNetwork> {
  const network = new Network(to, clock);
  await network.set(faults);
  await network.listen();
  return network;
}

/** What connections share. */
export class Network implements BadNetwork {
  readonly target: URL;
  readonly clock: Clock;
  readonly bandwidth: Record<Way, Bandwidth>;
  readonly mixer = new AnswerMixer();
  readonly stats: NetworkStats = {
    connections: 0,
    open: 0,
    up: 0,
    down: 0,
    upTaken: 0,
    downTaken: 0,
    cuts: 0,
    answers: 0,
  };
  faults: NetworkFaults = {};
  readonly #connections = new Set<Connection>();
  #server: Server | undefined;
  #port = 0;

  constructor(to: string, clock: Clock) {
    this.target = new URL(to.includes('://') ? to : `http://${to}`);
    this.clock = clock;
    this.bandwidth = { up: new Bandwidth(clock), down: new Bandwidth(clock) };
  }

  get url(): string {
    return `${this.target.protocol}//127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    if (this.#server || (this.faults.refuse && this.#port !== 0)) return;
    const server = createServer({ allowHalfOpen: true }, (client) => {
      this.stats.connections++;
      this.stats.open++;
      const connection = new Connection(this, client, () => {
        if (this.#connections.delete(connection)) this.stats.open--;
      });
      this.#connections.add(connection);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    if (this.faults.refuse) await this.#unlisten();
  }

  async set(faults: NetworkFaults): Promise<void> {
    this.faults = { ...this.faults, ...faults };
    for (const way of ['up', 'down'] as const)
      this.bandwidth[way].rate = this.faults.bandwidth?.[way] ?? Number.POSITIVE_INFINITY;
    this.mixer.faults = this.faults.answers ?? {};
    if (this.faults.refuse) await this.#unlisten();
    else if (this.#port !== 0) await this.listen();
    for (const connection of this.#connections) connection.resume();
  }

  cut(): void {
    this.stats.cuts++;
    for (const connection of [...this.#connections]) connection.cut();
  }

  /** How much of a piece that is about to come out may do so, and whether everything is cut behind it. */
  allowed(way: Way, bytes: number): { bytes: number; cut: boolean } {
    const done = this.stats[way];
    const both = this.stats.up + this.stats.down;
    const left = [
      ...(this.faults.cut?.[way] ?? []).map((point) => point - done),
      ...(this.faults.cut?.both ?? []).map((point) => point - both),
    ].filter((n) => n > 0 && n <= bytes);
    const cut = Math.min(...left, Number.POSITIVE_INFINITY);
    const stall = Math.max(0, (this.faults.stall?.[way] ?? Number.POSITIVE_INFINITY) - done);
    const most = Math.min(bytes, cut, stall);
    return { bytes: most, cut: most === cut };
  }

  /** Bytes as they come out; counts them. */
  out(way: Way, bytes: Buffer): Buffer {
    const start = this.stats[way];
    this.stats[way] += bytes.length;
    const bad = this.faults.corrupt?.[way]?.filter((at) => at >= start && at < start + bytes.length) ?? [];
    if (bad.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    for (const at of bad) copy[at - start] ^= 0x55;
    return copy;
  }

  async close(): Promise<void> {
    for (const connection of [...this.#connections]) connection.cut();
    await this.#unlisten();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    for (const connection of [...this.#connections]) connection.cut();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
