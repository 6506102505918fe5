import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
// src/bypass.ts
/** By kind of node, the input that means the same as an output. */
var SAME = {
	ResonanceCanvas: {
		canvas: "canvas",
		boxes: "boxes"
	},
	ResonanceCanvasChat: { conversation: "conversation" },
	ResonanceColorMatch: { IMAGE: "image" },
	ResonanceComposePrompt: {
		positive: "tags",
		negative: "negative"
	},
	ResonanceContactSheet: { sheet: "images" },
	ResonanceCooldown: { value: "value" },
	ResonanceRegionFromConditioning: { regions: "regions" },
	ResonanceRegionHeat: { image: "image" },
	ResonanceRegions: {
		model: "model",
		positive: "positive",
		negative: "negative"
	},
	ResonanceRoundOutput: { images: "images" },
	ResonanceRoundWords: {
		tags: "tags",
		caption: "caption"
	},
	ResonanceVary: { images: "image" }
};
/** The input behind an output, null if there is none, undefined if the node is not ours. */
function handedOn(node, output) {
	const kind = node.comfyClass ?? "";
	return kind.startsWith("Resonance") ? SAME[kind]?.[output] ?? null : void 0;
}
// src/i18n.ts
var texts$1 = [];
/** Sets the texts, in the languages to look in one after the other. */
function setTexts(found) {
	texts$1 = found;
}
/** The text under a key such as `editor.undo`, with values for what stands in braces; the key where there is none. */
function t(key, values = {}) {
	for (const language of texts$1) {
		let found = language;
		for (const part of key.split(".")) found = typeof found === "object" ? found[part] : void 0;
		if (typeof found === "string") return found.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
	}
	return key;
}
// src/comfy.ts
/** Id of the gallery's sidebar tab. */
var GALLERY = "resonance.rounds";
var app$1 = app;
var api$1 = api;
/** Listens to an event of the server. Returns what stops it. */
function on(type, listener) {
	const heard = (event) => listener(event.detail);
	api$1.addEventListener(type, heard);
	return () => api$1.removeEventListener(type, heard);
}
/** Asks a route of the server. Throws an Error with the sentence that the server answers with when it refuses. */
async function ask(route, body) {
	const init = body === void 0 ? void 0 : {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(body)
	};
	const answer = await api$1.fetchApi(route, init).catch(() => {
		throw new Error(t("server.gone"));
	});
	const said = await answer.json().catch(() => ({}));
	if (!answer.ok) throw new Error(said.error ?? `${answer.status} ${answer.statusText}`);
	return said;
}
var texts;
/** Loads what `t` knows, once; the server hands it out with everybody's. */
function loadTexts() {
	texts ??= ask("/i18n").then((all) => {
		setTexts([all[app$1.extensionManager.setting.get("Comfy.Locale") ?? "en"]?.resonance, all["en"]?.resonance].filter((found) => found !== void 0));
	}, () => {
		texts = void 0;
	});
	return texts;
}
/** Address of a picture that the server knows. */
function viewUrl(picture) {
	return api$1.apiURL(`/view?${new URLSearchParams({ ...picture })}`);
}
function root() {
	return app$1.rootGraph ?? app$1.graph;
}
/** The node that the server calls by that id: a path through subgraphs, `10:1` being node 1 in subgraph node 10. */
function findNode(id) {
	let graph = root();
	let node = null;
	for (const part of id.split(":")) {
		node = graph?.getNodeById(part) ?? graph?.getNodeById(Number(part)) ?? null;
		graph = node?.subgraph;
	}
	return node;
}
/** Finds a node again, also after it was built anew, as undo does; but in no other workflow, where ids begin anew. */
function finder(node) {
	const id = node.id;
	const inside = node.graph && node.graph !== root() ? node.graph.id : void 0;
	const workflow = app$1.extensionManager.workflow.activeWorkflow;
	return () => {
		if (app$1.extensionManager.workflow.activeWorkflow !== workflow) return null;
		return (inside === void 0 ? root() : root().subgraphs?.get(inside))?.getNodeById(id) ?? null;
	};
}
/** What the last run put under `ui` of a node, if it is known. */
function outputOf(node) {
	const inside = node.graph && node.graph !== root() ? `${node.graph.id}:` : "";
	return app$1.nodeOutputs?.[`${inside}${node.id}`];
}
/** The nodes that are selected in the graph in view. */
function selectedNodes() {
	return [...app$1.canvas.selectedItems ?? Object.values(app$1.canvas.selected_nodes ?? {})];
}
/** Adds a node in the middle of what is in view. */
function addNode(type) {
	const node = LiteGraph.createNode(type);
	if (!node) return null;
	const [x = 0, y = 0, width = 0, height = 0] = Array.from(app$1.canvas.ds.visible_area);
	node.pos = [x + (width - node.size[0]) / 2, y + (height - node.size[1]) / 2];
	(app$1.canvas.graph ?? app$1.graph).add(node);
	return node;
}
/** Makes what was changed since the last call one step of the workflow's undo. */
function captureUndo() {
	const tracker = app$1.extensionManager.workflow.activeWorkflow?.changeTracker;
	if (tracker?.captureCanvasState) tracker.captureCanvasState();
	else tracker?.checkState?.();
}
var BYPASSED = 4;
/**
* Says what bypassed nodes hand on. ComfyUI itself takes the input with the output's number, else the first of its type.
* It shows nobody the class that does so: a graph that is made for this brings one out.
*
* `source` gives the name of the input behind an output, null for none, undefined to leave it to ComfyUI.
*/
async function onBypass(source) {
	let caught;
	const bait = {
		id: 0,
		graph: {},
		inputs: [],
		mode: 0,
		isVirtualNode: true,
		isSubgraphNode: () => true,
		getInnerNodes(sent) {
			caught ??= [...sent.values()][0];
			return [];
		}
	};
	await Object.getPrototypeOf(app$1).graphToPrompt.call(app$1, {
		computeExecutionOrder: () => [bait],
		serialize: () => ({ nodes: [] })
	});
	const kind = Object.getPrototypeOf(caught);
	const { resolveOutput } = kind;
	kind.resolveOutput = function(slot, type, visited) {
		const name = this.mode === BYPASSED ? source(this.node, this.node.outputs?.[slot]?.name ?? "") : void 0;
		if (name === void 0) return resolveOutput.call(this, slot, type, visited);
		const input = this.inputs.findIndex((each) => each.name === name);
		return input < 0 ? void 0 : this.resolveInput(input, visited);
	};
}
// src/dom.ts
function h(tag, properties = {}, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}
function svg(tag, attributes = {}, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
	element.append(...children);
	return element;
}
/** Sets the text of an element. One that has it already does not have to be laid out again. */
function showText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}
/** Adds a style sheet to the page, once for each id. */
function addStyle(id, css) {
	if (!document.getElementById(id)) document.head.append(h("style", {
		id,
		textContent: css
	}));
}
// src/host.ts
var hosts = /* @__PURE__ */ new WeakMap();
/** Adds an element below all widgets: in front of one that is saved, older front ends lose that one's value. */
function addHost(node, name, height) {
	const host = h("div", { className: "resonance-host" });
	const widget = node.addDOMWidget(name, "resonance_preview", host, {
		serialize: false,
		hideOnZoom: false,
		hideInPanel: true,
		getMinHeight: height,
		getValue: () => "",
		setValue: () => {}
	});
	queueMicrotask(() => widget.serialize = false);
	return host;
}
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
	const now = app$1.canvas.graph?.getNodeById(node.id);
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
// src/outputs.ts
var KEPT = 30;
var noted = [];
/** Begins to listen. */
function noteOutputs() {
	on("executed", ({ node, output }) => {
		if (!output || !(images(output).length || heat(output))) return;
		noted = [{
			node,
			output
		}, ...noted.filter((other) => other.node !== node)].slice(0, KEPT);
	});
}
/** Newest first; what came before the page was opened, or with a workflow, at the end. */
function all() {
	return [...noted.map(({ output }) => output), ...Object.values(app$1.nodeOutputs ?? {})];
}
/** The newest picture that a node put out. */
function lastPicture() {
	return all().map(images).find((found) => found.length)?.at(-1);
}
/** What Region Heat nodes put out, newest first. */
function heats() {
	return all().map(heat).filter((found) => found !== void 0);
}
function images(output) {
	const found = output["images"];
	return Array.isArray(found) ? found.filter((picture) => /\.(png|jpe?g|webp|gif|avif)$/i.test(picture?.filename ?? "")) : [];
}
function heat(output) {
	return output["resonance_heat"]?.[0];
}
// src/main.ts
var CANVAS = "ResonanceCanvas";
var CHAT = "ResonanceCanvasChat";
var TRANSFORM = "ResonanceTransform";
/** Nodes whose words stay: they are there again after a reload. */
var SPEAKING = /* @__PURE__ */ new Set([
	"ResonanceTagImages",
	"ResonanceCaptionImages",
	"ResonanceComposePrompt",
	"ResonanceRoundWords"
]);
/** Nodes that have to do with a session. */
var SESSIONS = /* @__PURE__ */ new Set([
	"ResonanceRoundInput",
	"ResonanceRoundOutput",
	"ResonanceExplore",
	"ResonanceVary"
]);
var OURS = /^(Resonance|Omost|DenseDiffusion)/;
var EDIT = "Resonance.EditCanvas";
var PICTURE_HEIGHT = 220;
var TABLE_HEIGHT = 200;
var TEXT_HEIGHT = 60;
var nodes = () => import("./node-SmJYJWJc.mjs");
var speaking;
var said = () => speaking ??= import("./said-CN_eT4xw.mjs");
var menu = () => import("./menu-urpm7ynO.mjs");
var tables = () => import("./transform-s-1whIPf.mjs");
function edit(node) {
	nodes().then(({ edit }) => edit(node ?? chosen()));
}
/** The Canvas node that is selected, else the only one there is. */
function chosen() {
	const found = selectedNodes().find(isCanvas);
	const all = (app$1.canvas.graph ?? app$1.graph).nodes.filter(isCanvas);
	return found ?? (all.length === 1 ? all[0] : void 0);
}
function isCanvas(node) {
	return node.comfyClass === CANVAS;
}
/** What nodes say is shown by a part that is loaded when the first one speaks. */
function hearNodes() {
	on("resonance.rounds", () => {});
	on("resonance.text", ({ node, text }) => void said().then(({ say }) => say(node, text)));
	on("executed", ({ node, output }) => {
		if (output?.["resonance_text"]) said().then(({ put }) => put(node, output));
	});
	on("execution_error", (error) => {
		speaking?.then(({ fail }) => fail());
		const { node_id, node_type, exception_message } = error;
		if (OURS.test(node_type)) said().then(({ say }) => say(node_id, exception_message.trim(), true));
	});
	on("execution_start", () => void speaking?.then(({ start }) => start()));
	on("execution_success", () => void speaking?.then(({ end }) => end()));
	on("executing", (node) => void (node && speaking?.then(({ begin }) => begin(node))));
}
var closeGallery;
var openings = 0;
app$1.registerExtension({
	name: "resonance",
	commands: [{
		id: EDIT,
		label: "Edit canvas",
		icon: "pi pi-th-large",
		function: () => edit()
	}],
	keybindings: [{
		commandId: EDIT,
		combo: {
			key: "e",
			ctrl: true,
			alt: true
		}
	}],
	getNodeMenuItems(node) {
		if (isCanvas(node)) return [{
			content: t("node.edit"),
			callback: () => edit(node)
		}];
		if (!SESSIONS.has(node.comfyClass ?? "")) return [];
		const rounds = {
			content: t("node.show_rounds"),
			callback: () => void menu().then((on) => on.showRounds(node))
		};
		if (node.comfyClass === "ResonanceRoundOutput") return [rounds];
		return [rounds, {
			content: t("node.new_session"),
			callback: () => void menu().then((on) => on.newSession(node))
		}];
	},
	getSelectionToolboxCommands: (item) => isCanvas(item) ? [EDIT] : [],
	nodeCreated(node) {
		if (SESSIONS.has(node.comfyClass ?? "")) loadTexts();
		if (node.comfyClass === TRANSFORM) {
			const host = addHost(node, "transform_table", () => TABLE_HEIGHT);
			tables().then(({ attach }) => attach(node, host));
			return;
		}
		if (isCanvas(node)) {
			const text = node.widgets?.find((widget) => widget.name === "canvas_text");
			if (text) text.options["getMinHeight"] = text.options["getMaxHeight"] = () => TEXT_HEIGHT;
		} else if (node.comfyClass !== CHAT) return;
		const host = addHost(node, "canvas_preview", () => PICTURE_HEIGHT);
		nodes().then(({ attach }) => attach(node, host, isCanvas(node)));
	},
	loadedGraphNode(node) {
		if (isCanvas(node) || node.comfyClass === CHAT) nodes().then(({ loaded }) => loaded(node));
		else if (node.comfyClass === TRANSFORM) tables().then(({ loaded }) => loaded(node));
		else if (SPEAKING.has(node.comfyClass ?? "")) said().then(({ loaded }) => loaded(node));
	},
	setup() {
		noteOutputs();
		hearNodes();
		app$1.extensionManager.registerSidebarTab({
			id: GALLERY,
			icon: "pi pi-images",
			title: "resonance.gallery.title",
			tooltip: "resonance.gallery.title",
			type: "custom",
			render(element) {
				const opening = ++openings;
				import("./gallery-Eoh4Mi3B.mjs").then(({ openGallery }) => {
					if (opening === openings) closeGallery = openGallery(element);
				});
			},
			destroy() {
				openings++;
				closeGallery?.();
				closeGallery = void 0;
			}
		});
		return onBypass(handedOn);
	}
});
export { viewUrl as C, selectedNodes as S, findNode as _, mountAgain as a, on as b, h as c, GALLERY as d, addNode as f, captureUndo as g, ask as h, keepMounted as i, showText as l, app$1 as m, lastPicture as n, onChange as o, api$1 as p, addHost as r, addStyle as s, heats as t, svg as u, finder as v, t as w, outputOf as x, loadTexts as y };
