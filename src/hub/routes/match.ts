/** Finds the route of a request that did not come over HTTP. */
import type { Route } from './route.ts';

export interface Match {
  route: Route;
  params: Record<string, string>;
}

/** `path` without its query. Undefined where no route answers to it. */
export function matchRoute(routes: readonly Route[], method: Route['method'], path: string): Match | undefined {
  const parts = path.split('/');
  for (const route of routes) {
    const params = route.method === method ? paramsOf(route.path.split('/'), parts) : undefined;
    if (params) return { route, params };
  }
  return undefined;
}

function paramsOf(pattern: string[], parts: string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    if (pattern[i].startsWith(':')) params[pattern[i].slice(1)] = part;
    else if (pattern[i] !== part) return undefined;
  }
  return params;
}
