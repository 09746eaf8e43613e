/**
 * Peers: over HTTP, or over any other connection. Nothing that a hub answers is believed before it was checked: first who answers, then the
 * form of what it says. Tokens go to the configured origin only. The HTTP library is loaded at the first request.
 */
export { openPeer, type PeerOptions } from './open-peer.ts';
export { type HubUrl, parseHubUrl } from './url.ts';
