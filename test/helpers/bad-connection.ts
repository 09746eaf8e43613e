/** One connection through a bad network: two sockets and a lane each way. */
import { connect, type Socket } from 'node:net';
import { AnswerSplitter } from './answers.ts';
import type { Network, Way } from './bad-network.ts';
import { Lane } from './lane.ts';

const DEFAULT_WINDOW = 4 * 1024 * 1024;

export class Connection {
  readonly #network: Network;
  readonly #sockets: Socket[];
  readonly #lanes: Record<Way, Lane>;
  /** Pieces of which a stall let only a part out. */
  readonly #kept: Partial<Record<Way, Buffer>> = {};
  readonly #passed: Record<Way, number> = { up: 0, down: 0 };
  readonly #gone: () => void;
  #cut = false;

  constructor(network: Network, client: Socket, gone: () => void) {
    this.#network = network;
    this.#gone = gone;
    const { hostname, port, protocol } = network.target;
    const hub = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      allowHalfOpen: true,
      noDelay: true,
    });
    client.setNoDelay(true);
    this.#sockets = [client, hub];
    this.#lanes = { up: this.#lane('up', client, hub), down: this.#lane('down', hub, client) };
    for (const socket of this.#sockets) {
      socket.on('error', () => this.cut());
      socket.on('close', () => {
        // One side is gone for good: so is the other, once what was on its way has come out.
        if (this.#sockets.every((s) => s.destroyed || s.writableEnded)) this.#leave();
      });
    }
  }

  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#leave();
  }

  /** After faults were changed. */
  resume(): void {
    for (const way of ['up', 'down'] as const) {
      const kept = this.#kept[way];
      delete this.#kept[way];
      const open = kept === undefined || this.#deliver(way, kept);
      if (open && !this.#target(way).writableNeedDrain) this.#lanes[way].resume();
    }
  }

  #leave(): void {
    for (const lane of Object.values(this.#lanes)) lane.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#gone();
  }

  #target(way: Way): Socket {
    return this.#sockets[way === 'up' ? 1 : 0];
  }

  #lane(way: Way, from: Socket, to: Socket): Lane {
    const { clock, bandwidth, faults, mixer, stats } = this.#network;
    const lane = new Lane({
      clock,
      bandwidth: bandwidth[way],
      delay: () => (this.#network.faults.delay ?? 0) / 2,
      window: faults.window ?? DEFAULT_WINDOW,
      deliver: (bytes) => this.#deliver(way, bytes),
      end: () => to.end(),
      room: () => from.resume(),
    });
    const splitter = way === 'down' && mixer.active ? new AnswerSplitter() : undefined;
    const sink = { send: (bytes: Buffer) => void lane.push(bytes) };
    from.on('data', (bytes: Buffer) => {
      stats[`${way}Taken`] += bytes.length;
      if (!splitter) {
        if (!lane.push(bytes)) from.pause();
        return;
      }
      for (const answer of splitter.push(bytes)) {
        stats.answers++;
        mixer.pass(sink, answer);
      }
    });
    from.on('end', () => {
      const rest = splitter?.rest();
      if (rest?.length) lane.push(rest);
      lane.finish();
    });
    to.on('drain', () => {
      if (!this.#kept[way]) lane.resume();
    });
    return lane;
  }

  /** False: takes no more until something changes. */
  #deliver(way: Way, bytes: Buffer): boolean {
    const to = this.#target(way);
    if (to.destroyed || this.#cut) return true;
    const own = (this.#network.faults.cutEach?.[way] ?? Number.POSITIVE_INFINITY) - this.#passed[way];
    const shared = this.#network.allowed(way, bytes.length);
    const most = Math.max(0, Math.min(shared.bytes, own));
    const cutAll = shared.cut && most === shared.bytes;
    const cutThis = own <= bytes.length && most >= own;
    const piece = this.#network.out(way, bytes.subarray(0, most));
    this.#passed[way] += most;
    // A cut comes behind the last byte, not instead of it.
    if (cutAll || cutThis) {
      to.write(piece, () => {
        if (cutAll) this.#network.cut();
        else this.cut();
      });
      return false;
    }
    const open = most === 0 || to.write(piece);
    if (most === bytes.length) return open;
    this.#kept[way] = bytes.subarray(most);
    return false;
  }
}
