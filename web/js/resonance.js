import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
// src/bypass.ts
/** By kind of node, the input that means the same as an output. */
var SAME = {
	ResonanceAlternateControlNets: {
		positive: "positive",
		negative: "negative"
	},
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
	ResonanceControlNetLLLite: { MODEL: "model" },
	ResonanceCooldown: { value: "value" },
	ResonanceDeepShrink: { MODEL: "model" },
	ResonanceEncodeLine: { model: "model" },
	ResonanceFitToLatent: {
		image: "image",
		mask: "mask"
	},
	ResonanceGradientGuidance: { MODEL: "model" },
	ResonanceHighresFix: { latent: "samples" },
	ResonanceLoRAStack: {
		MODEL: "model",
		CLIP: "clip"
	},
	ResonanceNegativeScale: { MODEL: "model" },
	ResonancePerPictureNoise: { sampler: "sampler" },
	ResonanceReferencePicture: {
		model: "model",
		conditioning: "conditioning"
	},
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
	ResonanceSaveWords: { words: "words" },
	ResonanceVary: { images: "image" },
	ResonanceXTI: { model: "model" }
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
/** Tells that a graph is sent, and for which nodes the server refuses it: the front end has no event for that. */
function onSend(sending, refused) {
	const send = api$1.queuePrompt;
	api$1.queuePrompt = async (...given) => {
		sending();
		let answer;
		try {
			return answer = await send.apply(api$1, given);
		} catch (error) {
			answer = error.response;
			throw error;
		} finally {
			refused(answer?.node_errors ?? {});
		}
	};
}
/** What the server says of an input or a node. It writes the input before what a node says of it. */
function sentenceOf({ type, message, details }) {
	return type === "custom_validation_failed" ? details.replace(/^[\w.]+ - /, "") : `${message}: ${details}`;
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
/** Puts a file below one of ComfyUI's folders. Returns where it lies. Throws an Error if that fails. */
async function upload(file, name, type = "input", subfolder = "") {
	const body = new FormData();
	body.append("image", file, name);
	body.append("type", type);
	body.append("subfolder", subfolder);
	const answer = await api$1.fetchApi("/upload/image", {
		method: "POST",
		body
	}).catch(() => {
		throw new Error(t("server.gone"));
	});
	if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`.trim());
	const lies = await answer.json();
	return {
		filename: lies.name,
		subfolder: lies.subfolder,
		type: lies.type
	};
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
	return app$1.nodeOutputs?.[keyOf(node)];
}
/** Addresses of what a node shows while it works. */
function previewsOf(node) {
	return app$1.nodePreviewImages?.[keyOf(node)] ?? [];
}
function keyOf(node) {
	return `${node.graph && node.graph !== root() ? `${node.graph.id}:` : ""}${node.id}`;
}
/** The inputs that a kind of node must have, with their options. */
function inputsOf(type) {
	return LiteGraph.registered_node_types[type]?.nodeData?.input.required ?? {};
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
/** Adds a node to the right of another. */
function addBeside(type, other) {
	const node = LiteGraph.createNode(type);
	if (!node || !other.graph) return null;
	node.pos = [other.pos[0] + other.size[0] + 40, other.pos[1]];
	other.graph.add(node);
	return node;
}
/** Says something in a corner of the page, for a few seconds. */
function tell(summary) {
	app$1.extensionManager.toast.add({
		severity: "info",
		summary,
		life: 5e3
	});
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
/** By their names, those of a node. */
var hosts = /* @__PURE__ */ new WeakMap();
/** Adds an element below all widgets: in front of one that is saved, older front ends lose that one's value. */
function addHost(node, name, height) {
	const host = h("div", { className: "resonance-host" });
	host.dataset["name"] = name;
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
	const mine = hosts.get(node) ?? /* @__PURE__ */ new Map();
	hosts.set(node, mine.set(nameOf(host), host));
	new ResizeObserver(() => giveWay(node, host)).observe(host);
}
/** Nodes 2.0 leaves the element of a node in place when undo builds the node anew. */
function mountAgain(node) {
	const mounted = `[data-node-id="${CSS.escape(String(node.id))}"] .resonance-host`;
	const mount = () => {
		for (const other of document.querySelectorAll(mounted)) other.replaceWith(sameOf(node, other) ?? other);
	};
	requestAnimationFrame(() => requestAnimationFrame(mount));
}
/** Nodes 2.0 can mount the element of a node that was moved into a subgraph, in place of its copy's. */
function giveWay(node, host) {
	const now = app$1.canvas.graph?.getNodeById(node.id);
	if (now && now !== node && host.closest("[data-node-id]")) host.replaceWith(sameOf(now, host) ?? host);
}
function nameOf(host) {
	return host.dataset["name"] ?? "";
}
/** The node's own element of that name. */
function sameOf(node, host) {
	return hosts.get(node)?.get(nameOf(host));
}
/** Lets a node grow when its elements need more room. */
function makeRoom(node) {
	const [, needed] = node.computeSize();
	if (node.size[1] < needed) node.setSize([node.size[0], needed]);
	app$1.canvas.setDirty(true, true);
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
/** What Tag Images and Caption Images say of pictures: the words, what is noted beside, and last what made them. */
function speech(text) {
	const paragraphs = text.split("\n\n");
	const by = paragraphs.pop() ?? "";
	const isNote = (paragraph) => paragraph.startsWith("Note: ");
	return {
		words: paragraphs.filter((each) => !isNote(each)).join("\n\n"),
		notes: paragraphs.filter(isNote),
		by
	};
}
/** Pictures of an output that a browser can show. */
function images(output) {
	const found = output["images"];
	return Array.isArray(found) ? found.filter((picture) => /\.(png|jpe?g|webp|gif|avif)$/i.test(picture?.filename ?? "")) : [];
}
function heat(output) {
	return output["resonance_heat"]?.[0];
}
// src/settings.ts
var TAGGER = "Resonance.Describe.Tagger";
var MODEL = "Resonance.Describe.Model";
var PROJECTOR = "Resonance.Describe.Projector";
var ADDRESS = "Resonance.Describe.Address";
var LAST_USED = "Resonance.Describe.LastUsed";
var THUMBNAILS = "Resonance.Gallery.Thumbnails";
var SNAP = "Resonance.Canvas.Snap";
/** Values of the language model that are no file. */
var LAST = "last used";
var SERVER = "server";
var DESCRIBING = "Describing pictures";
/** The settings, the last of a group first, as the page wants it. */
var SETTINGS = [
	{
		id: TAGGER,
		category: [
			"Resonance",
			DESCRIBING,
			"Tagger"
		],
		name: "Tagger",
		tooltip: "Finds the tags for Describe with Resonance. A new Load Tagger starts with it, too.",
		type: "combo",
		defaultValue: "automatic",
		options: () => choices("ResonanceLoadTagger", "model"),
		sortOrder: 40
	},
	{
		id: MODEL,
		category: [
			"Resonance",
			DESCRIBING,
			"Model"
		],
		name: "Language model",
		tooltip: "Writes the captions for Describe with Resonance. A new Load LLM starts with it, too, if it is a file.",
		type: "combo",
		defaultValue: LAST,
		options: () => [
			{
				text: "the last one used",
				value: LAST
			},
			{
				text: "the server at the address below",
				value: SERVER
			},
			...choices("ResonanceLoadLLM", "model")
		],
		sortOrder: 30
	},
	{
		id: PROJECTOR,
		category: [
			"Resonance",
			DESCRIBING,
			"Projector"
		],
		name: "Projector (mmproj)",
		tooltip: "The file that was published with the language model: it turns pictures into tokens.",
		type: "combo",
		defaultValue: "none",
		options: () => choices("ResonanceLoadLLM", "mmproj"),
		sortOrder: 20
	},
	{
		id: ADDRESS,
		category: [
			"Resonance",
			DESCRIBING,
			"Address"
		],
		name: "Address of a server",
		tooltip: "Of llama.cpp, Ollama, LM Studio, vLLM or another that speaks the chat API of OpenAI. A new Connect LLM starts with it, too.",
		type: "text",
		defaultValue: "http://127.0.0.1:8080",
		sortOrder: 10
	},
	{
		id: THUMBNAILS,
		category: [
			"Resonance",
			"Rounds gallery",
			"Thumbnails"
		],
		name: "Size of the thumbnails",
		type: "slider",
		defaultValue: 96,
		attrs: {
			min: 48,
			max: 192,
			step: 16
		}
	},
	{
		id: SNAP,
		category: [
			"Resonance",
			"Canvas editor",
			"Snap"
		],
		name: "Snap to 5 cells",
		tooltip: "Edges of regions snap to every fifth cell of the grid; hold Alt while dragging to be free of it.",
		type: "boolean",
		defaultValue: true
	},
	{
		id: LAST_USED,
		category: [
			"Resonance",
			DESCRIBING,
			"LastUsed"
		],
		name: "Language model that was last used",
		type: "hidden",
		defaultValue: ""
	}
];
/** What a new node starts with once it was chosen. Of one that is loaded or pasted, its own values come afterwards. */
var STARTS = {
	ResonanceLoadTagger: { model: TAGGER },
	ResonanceLoadLLM: {
		model: MODEL,
		mmproj: PROJECTOR
	},
	ResonanceConnectLLM: { address: ADDRESS }
};
function startWith(node) {
	for (const [name, id] of Object.entries(STARTS[node.comfyClass ?? ""] ?? {})) {
		const widget = node.widgets?.find((each) => each.name === name);
		const value = setting(id);
		const values = widget?.options["values"];
		const chosen = value !== SETTINGS.find((each) => each.id === id)?.defaultValue;
		if (widget && chosen && (!Array.isArray(values) || values.includes(value))) widget.value = value;
	}
}
function setting(id) {
	return app$1.extensionManager.setting.get(id);
}
function choices(type, input) {
	return inputsOf(type)[input]?.[1]?.["options"] ?? [];
}
// src/shown.ts
/** Pictures that the server knows, else addresses of what only the page has; of a subgraph, those inside it. */
function shownOn(node) {
	const known = images(outputOf(node) ?? {});
	if (known.length) return known;
	const seen = [...previewsOf(node), ...(node.imgs ?? []).map(({ src }) => src)];
	if (seen.length) return seen.map((address) => pictureAt(address) ?? address);
	return node.subgraph?.nodes.flatMap(shownOn) ?? [];
}
/** The picture behind an address of ComfyUI's `/view`. */
function pictureAt(address) {
	const { pathname, searchParams, origin } = new URL(address, location.href);
	const filename = searchParams.get("filename");
	if (origin !== location.origin || !pathname.endsWith("/view") || !filename) return void 0;
	return {
		filename,
		subfolder: searchParams.get("subfolder") ?? "",
		type: searchParams.get("type") ?? "output"
	};
}
// src/main.ts
var CANVAS = "ResonanceCanvas";
var CHAT = "ResonanceCanvasChat";
var TRANSFORM = "ResonanceTransform";
var OUTPUT = "ResonanceRoundOutput";
var INPUT = "ResonanceRoundInput";
var LOAD = "LoadImage";
/** Nodes whose words stay: they are there again after a reload. */
var SPEAKING = /* @__PURE__ */ new Set([
	"ResonanceTagImages",
	"ResonanceCaptionImages",
	"ResonanceComposePrompt",
	"ResonanceRoundWords",
	"ResonanceSaveWords"
]);
/** Nodes that have to do with a session. */
var SESSIONS = /* @__PURE__ */ new Set([
	INPUT,
	OUTPUT,
	"ResonanceExplore",
	"ResonancePromptLines",
	"ResonanceVary"
]);
var OURS = /^(Resonance|Omost|DenseDiffusion)/;
var EDIT = "Resonance.EditCanvas";
var DESCRIBE = "Resonance.Describe";
var PICTURE_HEIGHT = 220;
var TABLE_HEIGHT = 200;
var TEXT_HEIGHT = 60;
var BUTTONS_HEIGHT = 46;
var nodes = () => import("./node-DhwO6aGt.mjs");
var speaking;
var said = () => speaking ??= import("./said-DYThGuAC.mjs");
var menu = () => import("./menu-B1nKENIE.mjs");
var panel = () => import("./panel-oDFiBPEx.mjs");
var folders = () => import("./folders-5jiLpKx0.mjs");
var templates = () => import("./templates-11fupUBV.mjs");
var tables = () => import("./transform-BdIFsHdS.mjs");
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
/** Without a node, of the one that is selected. */
function describe(node) {
	panel().then(({ describe }) => describe(node ?? selectedNodes().find((each) => shownOn(each).length)));
}
function menuOf(node) {
	const items = [];
	if (isCanvas(node)) items.push({
		content: t("node.edit"),
		callback: () => edit(node)
	});
	if (SESSIONS.has(node.comfyClass ?? "")) {
		items.push({
			content: t("node.show_rounds"),
			callback: () => void menu().then((on) => on.showRounds(node))
		});
		if (node.comfyClass !== OUTPUT) items.push({
			content: t("node.new_session"),
			callback: () => void menu().then((on) => on.newSession(node))
		});
		items.push({
			content: t("node.copy_folder"),
			callback: () => void menu().then((on) => on.copyFolder(node))
		});
	}
	if (node.comfyClass === INPUT) items.push({
		content: t("folders.choose"),
		callback: () => void folders().then((on) => on.choose(node))
	}, {
		content: t("folders.upload"),
		callback: () => void folders().then((on) => on.pick(node))
	});
	if (SPEAKING.has(node.comfyClass ?? "") || outputOf(node)?.["text"]) items.push({
		content: t("node.copy_words"),
		callback: () => void menu().then((on) => on.copyWords(node))
	});
	if (shownOn(node).length) items.push({
		content: t("describe.title"),
		callback: () => describe(node)
	});
	return items;
}
/** What nodes say is shown by a part that is loaded when the first one speaks. */
function hearNodes() {
	on("resonance.rounds", () => {});
	on("resonance.text", ({ node, text }) => void said().then(({ say }) => say(node, text)));
	on("resonance.gone", ({ node, session, round }) => void said().then(({ offerAgain }) => offerAgain(node, session, round)));
	on("executed", ({ node, output }) => {
		if (output?.["resonance_text"]) said().then(({ put }) => put(node, output));
	});
	on("execution_error", (error) => {
		speaking?.then(({ fail }) => fail());
		const { node_id, node_type, exception_message } = error;
		if (OURS.test(node_type)) said().then(({ blame }) => blame(node_id, exception_message.trim()));
	});
	onSend(() => void speaking?.then(({ correct }) => correct()), (nodes) => {
		const ours = Object.entries(nodes).filter(([, { class_type }]) => OURS.test(class_type));
		if (ours.length) said().then(({ refuse }) => refuse(ours));
	});
	on("execution_start", () => void speaking?.then(({ start }) => start()));
	on("execution_success", () => void speaking?.then(({ end }) => end()));
	on("execution_interrupted", () => void speaking?.then(({ interrupt }) => interrupt()));
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
	}, {
		id: DESCRIBE,
		label: "Describe with Resonance",
		icon: "pi pi-comment",
		function: () => describe()
	}],
	keybindings: [{
		commandId: EDIT,
		combo: {
			key: "e",
			ctrl: true,
			alt: true
		}
	}, {
		commandId: DESCRIBE,
		combo: {
			key: "w",
			ctrl: true,
			alt: true
		}
	}],
	settings: SETTINGS,
	getNodeMenuItems: menuOf,
	getSelectionToolboxCommands: (item) => isCanvas(item) ? [EDIT] : [],
	nodeCreated(node) {
		loadTexts();
		startWith(node);
		if (node.comfyClass === INPUT) {
			let height = BUTTONS_HEIGHT;
			const host = addHost(node, "folder", () => height);
			folders().then(({ attach }) => attach(node, host, (needed) => height = needed));
			return;
		}
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
	async beforeConfigureGraph(workflow) {
		if (workflow.nodes?.some(({ type }) => type === LOAD)) await (await templates()).bring(workflow);
	},
	loadedGraphNode(node) {
		if (node.comfyClass === LOAD) templates().then(({ list }) => list(node));
		else if (isCanvas(node) || node.comfyClass === CHAT) nodes().then(({ loaded }) => loaded(node));
		else if (node.comfyClass === TRANSFORM) tables().then(({ loaded }) => loaded(node));
		else if (node.comfyClass === INPUT) folders().then(({ loaded }) => loaded(node));
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
				import("./gallery-CWxeIc0h.mjs").then(({ openGallery }) => {
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
export { captureUndo as A, upload as B, svg as C, api$1 as D, addNode as E, on as F, t as H, outputOf as I, selectedNodes as L, finder as M, inputsOf as N, app$1 as O, loadTexts as P, sentenceOf as R, showText as S, addBeside as T, viewUrl as V, makeRoom as _, MODEL as a, addStyle as b, SNAP as c, setting as d, heats as f, keepMounted as g, addHost as h, LAST_USED as i, findNode as j, ask as k, TAGGER as l, speech as m, ADDRESS as n, PROJECTOR as o, lastPicture as p, LAST as r, SERVER as s, shownOn as t, THUMBNAILS as u, mountAgain as v, GALLERY as w, h as x, onChange as y, tell as z };
