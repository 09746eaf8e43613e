/**
 * The page of a hub: one static page that looks at a store through the hub's `/v1` views and its feed, like any other
 * client, and changes nothing. Runs in browsers, so nothing of Node is to be had; imports core and wire only. No framework:
 * views are functions that give back elements. Rules: text from the hub becomes text nodes (dom.ts), never markup, and is
 * shown through text.ts; the token goes into headers only; whatever a view starts, it stops when it is left (`signal`).
 */
import { start } from './shell.ts';

start(document);
