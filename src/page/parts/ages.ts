/** Ages grow while one looks at them. */
import { ago } from '../format.ts';

const EVERY_MS = 15_000;

/** Every `<time class="time">` in `root` says how long ago it is, until `signal` aborts. @param skew hub's clock less ours */
export function tickAges(root: ParentNode, signal: AbortSignal, skew = 0): void {
  const timer = window.setInterval(() => {
    const now = Date.now() + skew;
    for (const element of root.querySelectorAll<HTMLTimeElement>('time.time')) {
      const text = ago(Date.parse(element.dateTime), now);
      if (element.textContent !== text) element.textContent = text;
    }
  }, EVERY_MS);
  signal.addEventListener('abort', () => window.clearInterval(timer), { once: true });
}
