import { l as app } from "./resonance.js";
// src/host.ts
var hosts = /* @__PURE__ */ new WeakMap();
/** Sees to it that a node's element is the one that is shown on it. */
function keepMounted(node, host) {
	hosts.set(node, host);
	new ResizeObserver(() => giveWay(node, host)).observe(host);
}
/** Nodes 2.0 leaves the element of a node in place when undo builds the node anew. */
function mountAgain(node) {
	const mounted = `[data-node-id="${CSS.escape(String(node.id))}"] .resonance-host`;
	const mount = () => {
		for (const other of document.querySelectorAll(mounted)) other.replaceWith(hosts.get(node) ?? other);
	};
	requestAnimationFrame(() => requestAnimationFrame(mount));
}
/** Nodes 2.0 can mount the element of a node that was moved into a subgraph, in place of its copy's. */
function giveWay(node, host) {
	const now = app.canvas.graph?.getNodeById(node.id);
	if (now && now !== node && host.closest("[data-node-id]")) host.replaceWith(hosts.get(now) ?? host);
}
function onChange(widget, listener) {
	if (!widget) return;
	const before = widget.callback;
	widget.callback = function(...values) {
		const result = before?.apply(this, values);
		listener();
		return result;
	};
}
export { mountAgain as n, onChange as r, keepMounted as t };
