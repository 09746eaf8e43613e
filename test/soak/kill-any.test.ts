import { killMany } from '../crash/kills.ts';

describe('soak: kill -9 at random moments of all commands that write, two at once', () => {
  it('the next command simply works, and nothing that was reported is lost', async () => {
    const seed = Number(process.env['PLAIT_SEED'] ?? Date.now() % 1_000_000);
    const wanted = Number(process.env['PLAIT_KILLS'] ?? 1000);
    console.log(`PLAIT_SEED=${seed}`);
    const { killed } = await killMany(wanted, seed, 50);
    console.log(`${killed} commands were killed at work`);
  });
});
