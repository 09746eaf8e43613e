/** Elements from values. Children that are strings become text nodes: there is no way to markup here. */

export type Child = Node | string | number | null | undefined | false | Child[];

type Props = {
  class?: string;
  /** Event listeners by name. */
  on?: Record<string, (event: Event) => void>;
  /** Custom properties and the few computed styles: set through the object model, which the security policy allows. */
  style?: Record<string, string>;
  [attribute: string]: unknown;
};

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  props?: Props | null,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), props, children);
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  props?: Props | null,
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, name), props, children);
}

function fill<E extends HTMLElement | SVGElement>(element: E, props: Props | null | undefined, children: Child[]): E {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === 'on')
      for (const [event, listener] of Object.entries(value as object)) element.addEventListener(event, listener);
    else if (name === 'style')
      for (const [key, text] of Object.entries(value as object)) element.style.setProperty(key, text);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

export function append(to: Node, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(to, child);
    else if (child instanceof Node) to.appendChild(child);
    else if (child !== null && child !== undefined && child !== false)
      to.appendChild(document.createTextNode(String(child)));
  }
}

export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}
