/**
 * What one follower takes for its hub: a TCP proxy that notes when something came through it. While nobody is in, it takes
 * each connection and closes it at once, so that attempts can be counted.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Door implements AsyncDisposable {
  /** Bytes of requests so far, and when the last came. */
  up = 0;
  upAt = performance.now();
  /** When somebody tried while nobody was in: one list for each time, and for each process that tried. */
  readonly knocks: number[][] = [];
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #dead = false;
  #stalled = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#enter(client));
  }

  static async open(to: string): Promise<Door> {
    const door = new Door(Number(new URL(to).port));
    await new Promise<void>((resolve) => door.#server.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nobody is in any more. */
  die(): void {
    this.#dead = true;
    this.knocks.push([]);
    this.cut();
  }

  revive(): void {
    this.#dead = false;
  }

  /** Another process stands before it. */
  another(): void {
    if (this.#dead) this.knocks.push([]);
  }

  /** Nothing comes through, and nothing is cut. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    for (const socket of this.#sockets) {
      if (stalled) socket.pause();
      else socket.resume();
    }
  }

  #enter(client: Socket): void {
    client.on('error', () => {});
    if (this.#dead) {
      this.knocks.at(-1)?.push(performance.now());
      client.destroy();
      return;
    }
    const hub = connect(this.#target, '127.0.0.1').on('error', () => {});
    this.#join(client, hub, (bytes) => {
      this.up += bytes;
      this.upAt = performance.now();
    });
    this.#join(hub, client, () => {});
    if (this.#stalled) this.stall(true);
  }

  #join(from: Socket, to: Socket, count: (bytes: number) => void): void {
    this.#sockets.add(from);
    from.on('data', (bytes) => {
      count(bytes.length);
      // Small figures and local sockets: what waits before `to` is bounded by what is sent here.
      to.write(bytes);
    });
    from.on('end', () => to.end());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
