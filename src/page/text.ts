/** Names are data: whatever stands in them is shown, and acts on nothing around it. */
import { showText } from '../core/paths.ts';
import { h } from './dom.ts';

export { bytesOfPath, decodePath, encodePath, lastName, parentPath, shownPath } from './view-path.ts';

/** Direction and control characters are spelled out (core/paths); `bdi` keeps letters of either direction to themselves. */
export const name = (text: string, className = 'name'): HTMLElement => h('bdi', { class: className }, showText(text));
