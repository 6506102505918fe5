import { A as captureUndo, B as upload, D as api, E as addNode, H as t, M as finder, N as inputsOf, O as app, P as loadTexts, R as sentenceOf, T as addBeside, V as viewUrl, a as MODEL, b as addStyle, d as setting, i as LAST_USED, k as ask, l as TAGGER, m as speech, n as ADDRESS, o as PROJECTOR, t as shownOn, x as h } from "./resonance.js";
import { t as copy } from "./copy-C-eODKft.mjs";
import { r as isLinked } from "./effective-CUuSsUpo.mjs";
// src/describe/describe.css?inline
var describe_default = ".resonance-describes {\n  position: fixed;\n  z-index: 1100;\n  right: 16px;\n  bottom: 16px;\n  display: flex;\n  flex-direction: column;\n  gap: 8px;\n  width: min(400px, calc(100vw - 32px));\n  max-height: calc(100vh - 80px);\n  overflow-y: auto;\n}\n.resonance-describe {\n  flex: none;\n  display: flex;\n  flex-direction: column;\n  gap: 8px;\n  padding: 12px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 8px;\n  background: var(--comfy-menu-bg, #353535);\n  color: var(--input-text, #ddd);\n  box-shadow: 0 4px 16px #0008;\n  font:\n    13px/1.4 Inter,\n    Arial,\n    sans-serif;\n}\n.resonance-describe [hidden] {\n  display: none;\n}\n.resonance-describe :is(h2, p) {\n  margin: 0;\n  font: inherit;\n  overflow-wrap: anywhere;\n}\n.resonance-describe p:empty {\n  display: none;\n}\n.resonance-describe h2 {\n  font-weight: 600;\n}\n.resonance-describe header,\n.resonance-describe .row {\n  display: flex;\n  gap: 6px;\n  align-items: center;\n  justify-content: space-between;\n}\n.resonance-describe .asked {\n  display: flex;\n  gap: 12px;\n}\n.resonance-describe .asked > div {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 6px;\n  align-content: flex-start;\n}\n.resonance-describe img {\n  width: 96px;\n  height: 96px;\n  object-fit: contain;\n  background: var(--comfy-input-bg, #222);\n}\n.resonance-describe :is(button, select, textarea) {\n  padding: 3px 8px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--comfy-input-bg, #222);\n  color: inherit;\n  font: inherit;\n}\n.resonance-describe textarea {\n  resize: vertical;\n}\n.resonance-describe select {\n  flex: 1;\n  min-width: 0;\n}\n.resonance-describe .asked select {\n  flex-basis: 100%;\n}\n.resonance-describe button {\n  cursor: pointer;\n}\n.resonance-describe :disabled {\n  opacity: 0.5;\n  cursor: default;\n}\n.resonance-describe .problem {\n  color: color-mix(in srgb, #f00 45%, var(--input-text, #ddd));\n}\n.resonance-describe :focus-visible {\n  outline: 2px solid var(--p-primary-color, #60a5fa);\n  outline-offset: 1px;\n}\n";
// src/describe/graph.ts
/** Runs of the history in which the language model is looked for. */
var RECENT = 20;
var PICTURE = "picture";
var DESCRIBE = "describe";
var SHOW = "show";
function tagging(picture) {
	return {
		...around(picture),
		tagger: withDefaults("ResonanceLoadTagger", {
			model: setting(TAGGER),
			download: false
		}),
		[DESCRIBE]: withDefaults("ResonanceTagImages", {
			tagger: ["tagger", 0],
			images: [PICTURE, 0]
		})
	};
}
function captioning(picture, { nodes, llm }) {
	const describe = withDefaults("ResonanceCaptionImages", {
		llm,
		images: [PICTURE, 0]
	});
	return {
		...around(picture),
		...nodes,
		[DESCRIBE]: describe
	};
}
function around(picture) {
	return {
		[PICTURE]: {
			class_type: "LoadImage",
			inputs: { image: pathOf(picture) }
		},
		[SHOW]: {
			class_type: "PreviewAny",
			inputs: { source: [DESCRIBE, 0] }
		}
	};
}
/** A picture as Load Image names it: `folder/name.png [temp]`. */
function pathOf({ filename, subfolder, type }) {
	const path = subfolder ? `${subfolder}/${filename}` : filename;
	return / \[\w+\]$/.test(path) ? path : `${path} [${type}]`;
}
/** The language model of the settings; undefined if it is the last one used, and there was none. */
async function loader() {
	const model = setting(MODEL);
	const alone = (type, inputs) => ({
		nodes: { llm: withDefaults(type, inputs) },
		llm: ["llm", 0]
	});
	if (model === "server") return alone("ResonanceConnectLLM", { address: setting(ADDRESS) });
	if (model !== "last used") return alone("ResonanceLoadLLM", {
		model,
		mmproj: setting(PROJECTOR)
	});
	const history = await ask(`/history?max_items=${RECENT}`);
	const used = Object.values(history).map((run) => loaderOf(run.prompt[2])).filter((found) => found !== void 0).at(-1);
	const kept = setting(LAST_USED);
	return used ?? (kept ? JSON.parse(kept) : void 0);
}
/** What made the language model of a graph's Caption Images. */
function loaderOf(graph) {
	const llm = Object.values(graph).find((node) => node.class_type === "ResonanceCaptionImages")?.inputs["llm"];
	if (!isLink(llm)) return void 0;
	const nodes = {};
	const waiting = [llm[0]];
	for (const id of waiting) {
		const node = graph[id];
		if (!node || nodes[id]) continue;
		nodes[id] = {
			class_type: node.class_type,
			inputs: node.inputs
		};
		waiting.push(...Object.values(node.inputs).flatMap((value) => isLink(value) ? [value[0]] : []));
	}
	return {
		nodes,
		llm
	};
}
function isLink(value) {
	return Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && typeof value[1] === "number";
}
function withDefaults(type, given) {
	const inputs = {};
	for (const [name, [, options]] of Object.entries(inputsOf(type))) {
		const [first] = options?.["options"] ?? [];
		inputs[name] = given[name] ?? options?.["default"] ?? first;
	}
	return {
		class_type: type,
		inputs
	};
}
// src/describe/run.ts
/** Milliseconds after which a lost connection is tried again. */
var AGAIN = 2e3;
/** Queues a graph. Returns what stops it, be it waiting or working. */
function queue(graph, listener) {
	const client = `resonance-${Math.random().toString(36).slice(2)}`;
	let socket;
	let posted;
	let over = false;
	const outputs = {};
	function end(tell) {
		if (over) return;
		over = true;
		socket.close();
		tell();
	}
	function finish() {
		const words = (outputs["show"]?.["text"])?.join("\n") ?? "";
		const said = outputs["describe"]?.["resonance_text"] ?? [];
		const { notes, by } = speech(said.join("\n\n"));
		end(() => listener.made(words, [...notes, by].join(" ").trim()));
	}
	/** Nothing but the run comes on this connection, and how much is queued. */
	function hear({ type, data }) {
		if (type === "resonance.text" && data["node"] === "describe") listener.says(String(data["text"]));
		else if (type === "execution_start") listener.began();
		else if (type === "executed") outputs[String(data["node"])] = data["output"];
		else if (type === "execution_error") end(() => listener.failed(String(data["exception_message"]).trim()));
		else if (type === "execution_interrupted") end(listener.stopped);
		else if (type === "execution_success") finish();
		else if (type === "status") {
			const { exec_info } = data["status"] ?? {};
			if (exec_info?.queue_remaining === 0) look();
		}
	}
	/** Looks for what was not heard. In the queue first: a run that ends meanwhile is in the history by then. */
	async function look() {
		const run = await posted;
		if (run === void 0 || over) return;
		const queued = await ask("/queue").catch(() => void 0);
		if (!queued || Object.values(queued).some((entries) => entries.some((entry) => entry[1] === run))) return;
		const history = await ask(`/history/${run}`).catch(() => void 0);
		const found = history?.[run];
		if (found) {
			Object.assign(outputs, found.outputs);
			for (const [type, data] of found.status.messages) hear({
				type,
				data
			});
		} else if (history) end(listener.stopped);
	}
	async function post() {
		const init = {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({
				prompt: graph,
				client_id: client
			})
		};
		const answer = await api.fetchApi("/prompt", init).catch(() => void 0);
		if (answer?.ok) return (await answer.json()).prompt_id;
		const refusal = await answer?.json().catch(() => void 0);
		end(() => listener.failed(refusal ? why(refusal) : t("server.gone")));
	}
	function connect() {
		const address = new URL(api.apiURL(`/ws?clientId=${client}`), location.href);
		address.protocol = address.protocol.replace("http", "ws");
		socket = new WebSocket(address);
		socket.onmessage = ({ data }) => {
			if (typeof data === "string") hear(JSON.parse(data));
		};
		socket.onopen = () => {
			if (posted) look();
			else posted = post();
		};
		socket.onclose = () => {
			if (over) return;
			if (posted) setTimeout(connect, AGAIN);
			else end(() => listener.failed(t("server.gone")));
		};
	}
	connect();
	return () => {
		end(listener.stopped);
		posted?.then(async (run) => {
			if (run === void 0) return;
			await ask("/queue", { delete: [run] });
			await ask("/interrupt", { prompt_id: run });
		});
	};
}
/** Why the server refuses a graph, each reason once. */
function why({ error, node_errors = {} }) {
	if (node_errors["picture"]) return t("describe.no_picture");
	const reasons = Object.values(node_errors).flatMap(({ errors }) => errors.map(sentenceOf));
	if (reasons.length) return [...new Set(reasons)].join("\n");
	return [error?.message, error?.details].filter(Boolean).join(": ") || t("server.gone");
}
// src/describe/panel.ts
var TEXT_NODE = "PrimitiveStringMultiline";
/** What was asked for last. */
var asked = "tags";
/** Opens a panel and asks at once, unless it is not known which picture of several is meant. */
async function describe(node) {
	await loadTexts();
	if (!node) {
		app.extensionManager.toast.add({
			severity: "info",
			summary: t("describe.select_one"),
			life: 5e3
		});
		return;
	}
	addStyle("resonance-describe", describe_default);
	const pictures = shownOn(node);
	const panel = makePanel(node, pictures);
	stack().append(panel.element);
	panel.element.focus();
	const enlarged = node.imageIndex ?? -1;
	if (pictures[enlarged]) panel.choose(enlarged);
	if (pictures.length === 1 || pictures[enlarged]) panel.start(asked);
}
function stack() {
	const there = document.querySelector(".resonance-describes");
	if (there) return there;
	const made = h("div", { className: "resonance-describes" });
	document.body.append(made);
	return made;
}
function makePanel(node, pictures) {
	const find = finder(node);
	let stop;
	let asking;
	const image = h("img", { alt: t("describe.picture") });
	const which = h("select", {
		ariaLabel: t("describe.picture"),
		hidden: pictures.length < 2
	});
	const words = h("textarea", {
		ariaLabel: t("describe.words"),
		rows: 4,
		spellcheck: false
	});
	const status = h("p", { role: "status" });
	const alert = h("p", {
		role: "alert",
		className: "problem"
	});
	const button = (text, onclick) => h("button", {
		type: "button",
		textContent: text,
		onclick
	});
	const tags = button(t("describe.tags"), () => void start("tags"));
	const caption = button(t("describe.caption"), () => void start("caption"));
	const stopping = button(t("describe.stop"), () => stop?.());
	const copying = button(t("describe.copy"), () => void copyWords());
	const into = h("select", {
		ariaLabel: t("describe.into"),
		onfocus: listTargets
	});
	const putting = button(t("describe.put"), put);
	const heading = h("h2", { textContent: t("describe.title") });
	const close = button("✕", () => leave());
	close.ariaLabel = t("describe.close");
	const element = h("section", {
		className: "resonance-describe",
		role: "dialog",
		ariaLabel: t("describe.title"),
		tabIndex: -1
	}, h("header", {}, heading, close), h("div", { className: "asked" }, image, h("div", {}, which, tags, caption, stopping)), words, status, alert, h("div", { className: "row" }, copying, into, putting));
	element.addEventListener("keydown", (event) => {
		event.stopPropagation();
		if (event.key === "Escape") leave();
	});
	/** Whoever closes the panel does not want the words any more. */
	function leave() {
		stop?.();
		element.remove();
	}
	function show() {
		const picture = pictures[which.selectedIndex] ?? "";
		image.src = typeof picture === "string" ? picture : viewUrl(picture);
	}
	function working(on) {
		which.disabled = on;
		stopping.hidden = !on;
		words.readOnly = on;
		if (!on) stop = void 0;
		ready();
	}
	function ready() {
		copying.disabled = into.disabled = putting.disabled = words.readOnly || !words.value;
	}
	function say(text) {
		status.textContent = text;
		alert.textContent = "";
	}
	/** Asks, in place of what else may be asked already. */
	async function start(kind) {
		if (stop && kind === asking) return;
		asked = asking = kind;
		stop?.();
		words.value = "";
		let over = false;
		stop = () => {
			over = true;
			ended(t("describe.stopped"));
		};
		working(true);
		say(t("describe.waiting"));
		try {
			const picture = await known(pictures[which.selectedIndex] ?? "");
			const llm = kind === "caption" ? await loader() : void 0;
			if (over) return;
			if (kind === "tags") begin(kind, tagging(picture));
			else if (llm) begin(kind, captioning(picture, llm), llm);
			else fail(t("describe.no_model"));
		} catch (error) {
			if (!over) fail(error.message);
		}
	}
	function begin(kind, graph, llm) {
		stop = queue(graph, {
			began: () => say(t("describe.working")),
			says(text) {
				if (kind === "tags") say(text);
				else words.value = text;
			},
			made(text, by) {
				ended(by || t("describe.done"), text);
				if (llm) app.extensionManager.setting.set(LAST_USED, JSON.stringify(llm));
			},
			failed: fail,
			stopped: () => ended(t("describe.stopped"))
		});
	}
	function ended(text, made = "") {
		words.value = made;
		say(text);
		working(false);
	}
	function fail(sentence) {
		ended("");
		alert.textContent = sentence;
	}
	async function copyWords() {
		say(t(await copy(words.value) ? "describe.copied" : "node.not_copied"));
	}
	/** Texts of the graph in which the node is; in another workflow, of the one in view. */
	function targets() {
		const { nodes } = find()?.graph ?? app.canvas.graph ?? app.graph;
		return nodes.flatMap((node) => (node.widgets ?? []).filter((widget) => widget.type === "customtext" && !widget.hidden && !isLinked(node, widget.name)).map((widget) => ({
			node,
			widget
		})));
	}
	let listed = [];
	function listTargets() {
		const chosen = into.value;
		listed = targets();
		into.replaceChildren(h("option", {
			value: "",
			textContent: t("describe.new_node")
		}), ...listed.map(({ node, widget }) => {
			const name = `${node.title} (${node.id}): ${widget.name}`;
			return h("option", {
				value: name,
				textContent: name
			});
		}));
		into.value = chosen;
		if (into.selectedIndex < 0) into.selectedIndex = 0;
	}
	function put() {
		const target = listed[into.selectedIndex - 1];
		const beside = find();
		const made = target ? void 0 : beside ? addBeside(TEXT_NODE, beside) : addNode(TEXT_NODE);
		const widget = target?.widget ?? made?.widgets?.[0];
		if (!widget) return;
		widget.value = words.value;
		widget.callback?.(widget.value);
		captureUndo();
		app.canvas.setDirty(true, true);
		say(t("describe.written", { node: target?.node.title ?? made?.title ?? "" }));
		listTargets();
	}
	which.append(...pictures.map((_, i) => h("option", { textContent: t("describe.nth", {
		n: i + 1,
		all: pictures.length
	}) })));
	which.onchange = show;
	words.oninput = ready;
	listTargets();
	show();
	working(false);
	if (pictures.length > 1) say(t("describe.choose"));
	return {
		element,
		start,
		choose(index) {
			which.selectedIndex = index;
			show();
		}
	};
}
/** A picture that the server can read: one that only the page has is put into ComfyUI's folder for what is temporary. */
async function known(picture) {
	if (typeof picture !== "string") return picture;
	const sheet = await drawn(picture).catch(() => {
		throw new Error(t("describe.unreadable"));
	});
	return upload(sheet, "described.png", "temp");
}
/** As a PNG: ComfyUI's page may show addresses that it may not fetch. */
async function drawn(address) {
	const image = h("img", { src: address });
	await image.decode();
	const sheet = h("canvas", {
		width: image.naturalWidth,
		height: image.naturalHeight
	});
	sheet.getContext("2d").drawImage(image, 0, 0);
	return new Promise((done, failed) => sheet.toBlob((blob) => blob ? done(blob) : failed(new Error(address))));
}
export { describe };
