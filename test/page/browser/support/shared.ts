/**
 * A browser and a hub with a story for several files of tests: made when the first of them runs, gone after the last. Whoever
 * uses the story only looks at it.
 */
import { type Story, tellStory } from './story.ts';
import { Tabs } from './tabs.ts';

/** To be called in a `describe`; what it gives back, in its tests. */
type Use<T> = () => () => T;

function sharing<T extends AsyncDisposable>(make: () => Promise<T>): Use<T> {
  let users = 0;
  let made: Promise<T> | undefined;
  const dispose = async (): Promise<void> => {
    const last = made;
    made = undefined;
    await (await last?.catch(() => undefined))?.[Symbol.asyncDispose]();
  };
  // Files of which no test runs (`-g`) never give it back.
  after(dispose);
  return () => {
    users++;
    let value: T | undefined;
    before(async () => {
      made ??= make();
      value = await made;
    });
    after(async () => {
      if (--users === 0) await dispose();
    });
    return () => value as T;
  };
}

export const useTabs: Use<Tabs> = sharing(() => Tabs.open());

export const useStory: Use<Story> = sharing(() => tellStory());
