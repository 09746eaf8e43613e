/** The line between a tool and its server: a proxy that counts bytes and, while it is slow, delays and limits them. */
import { type BadNetwork, startBadNetwork } from '../../test/helpers/bad-network.ts';
import { cpuSeconds, highWater, resetHighWater } from '../measure.ts';
import type { Extra } from '../scenario.ts';
import type { Server } from '../tools.ts';

const ROUND_TRIP_MS = 80;
const BITS_A_SECOND = 50_000_000;
export const SLOW = `${ROUND_TRIP_MS} ms there and back, ${BITS_A_SECOND / 1e6} Mbit/s each way`;
export const ROUND_TRIP = ROUND_TRIP_MS / 1000;

/** A server behind its line. */
export class Line {
  readonly #network: BadNetwork;
  readonly #server: Server;
  #before = { up: 0, down: 0, cpu: 0 };

  private constructor(network: BadNetwork, server: Server) {
    this.#network = network;
    this.#server = server;
  }

  static async start(server: Server, port: number): Promise<Line> {
    return new Line(await startBadNetwork({ to: `127.0.0.1:${port}` }), server);
  }

  /** What tools connect to, `127.0.0.1:PORT`. A connection is made at once: a real line takes one round trip more. */
  get address(): string {
    return new URL(this.#network.url).host;
  }

  /** Counts from now on. */
  async begin(slow: boolean): Promise<void> {
    const rate = slow ? BITS_A_SECOND : undefined;
    await this.#network.set({ delay: slow ? ROUND_TRIP_MS : 0, bandwidth: { up: rate, down: rate } });
    const { upTaken, downTaken } = this.#network.stats;
    resetHighWater(this.#pid);
    this.#before = { up: upTaken, down: downTaken, cpu: cpuSeconds(this.#pid) };
  }

  /** What has come since then. */
  count(seconds: number): Extra & { sent: number } {
    const { upTaken, downTaken } = this.#network.stats;
    const [up, down] = [upTaken - this.#before.up, downTaken - this.#before.down];
    return {
      sent: up + down,
      serverCpu: cpuSeconds(this.#pid) - this.#before.cpu,
      serverRss: highWater(this.#pid),
      line: seconds / ((Math.max(up, down) * 8) / BITS_A_SECOND),
    };
  }

  async stop(): Promise<void> {
    await this.#network.close();
    await this.#server.stop();
  }

  get #pid(): number {
    const { pid } = this.#server.child;
    if (pid === undefined) throw new Error('the server is not running');
    return pid;
  }
}
