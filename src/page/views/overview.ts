/** All volume sets of the hub. */
import type { Overview } from '../../wire/views.ts';
import { h } from '../dom.ts';
import type { View, ViewContext } from '../view.ts';

export async function overview({ api, signal }: ViewContext): Promise<View> {
  const { label } = await api.get<Overview>('/v1/overview', { signal });
  return { title: label, node: h('section', null, h('h1', null, 'Volume sets')) };
}
