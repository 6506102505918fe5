// Elements of ours on nodes: what front ends do to them, and how to hear of changes.

import { app, type LGraphNode, type Widget } from './comfy'
import { h } from './dom'

/** By their names, those of a node. */
const hosts = new WeakMap<LGraphNode, Map<string, HTMLElement>>()

/** Adds an element below all widgets: in front of one that is saved, older front ends lose that one's value. */
export function addHost(node: LGraphNode, name: string, height: () => number): HTMLElement {
  const host = h('div', { className: 'resonance-host' })
  host.dataset['name'] = name
  const widget = node.addDOMWidget(name, 'resonance_preview', host, {
    serialize: false,
    hideOnZoom: false,
    hideInPanel: true,
    getMinHeight: height,
    getValue: () => '',
    setValue: () => {},
  })
  // Only once a loaded node has its values: beside a dynamic combo, newer front ends would take one of them for this one's.
  queueMicrotask(() => (widget.serialize = false))
  return host
}

/** Sees to it that a node's element is the one that is shown on it. */
export function keepMounted(node: LGraphNode, host: HTMLElement): void {
  const mine = hosts.get(node) ?? new Map<string, HTMLElement>()
  hosts.set(node, mine.set(nameOf(host), host))
  new ResizeObserver(() => giveWay(node, host)).observe(host)
}

/** Nodes 2.0 leaves the element of a node in place when undo builds the node anew. */
export function mountAgain(node: LGraphNode): void {
  const mounted = `[data-node-id="${CSS.escape(String(node.id))}"] .resonance-host`
  const mount = (): void => {
    for (const other of document.querySelectorAll<HTMLElement>(mounted)) other.replaceWith(sameOf(node, other) ?? other)
  }
  requestAnimationFrame(() => requestAnimationFrame(mount))
}

/** Nodes 2.0 can mount the element of a node that was moved into a subgraph, in place of its copy's. */
function giveWay(node: LGraphNode, host: HTMLElement): void {
  const now = app.canvas.graph?.getNodeById(node.id)
  if (now && now !== node && host.closest('[data-node-id]')) host.replaceWith(sameOf(now, host) ?? host)
}

function nameOf(host: HTMLElement): string {
  return host.dataset['name'] ?? ''
}

/** The node's own element of that name. */
function sameOf(node: LGraphNode, host: HTMLElement): HTMLElement | undefined {
  return hosts.get(node)?.get(nameOf(host))
}

/** Lets a node grow when its elements need more room. */
export function makeRoom(node: LGraphNode): void {
  const [, needed] = node.computeSize()
  if (node.size[1] < needed) node.setSize([node.size[0], needed])
  app.canvas.setDirty(true, true) // classic places elements when it draws
}

export function onChange(widget: Widget | undefined, listener: () => void): void {
  if (!widget) return
  const before = widget.callback
  widget.callback = function (this: unknown, ...values) {
    const result = before?.apply(this, values)
    listener()
    return result
  }
}
