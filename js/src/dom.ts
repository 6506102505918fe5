// Elements in one expression. Text is always set as text: nothing here parses markup.

type Child = globalThis.Node | string

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number> = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.append(...children)
  return element
}

/** Sets the text of an element. One that has it already does not have to be laid out again. */
export function showText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Adds a style sheet to the page, once for each id. */
export function addStyle(id: string, css: string): void {
  if (!document.getElementById(id)) document.head.append(h('style', { id, textContent: css }))
}
