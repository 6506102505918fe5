import { t as __exportAll } from "./rolldown-runtime-D8jQpDG7.mjs";
import { d as captureUndo, f as findNode, g as outputOf, h as on, i as h, l as app, m as loadTexts, n as lastPicture, o as svg, p as finder, r as addStyle, t as heats, u as ask, v as viewUrl, y as t } from "./resonance.js";
import { t as copy } from "./copy-C-eODKft.mjs";
import { n as mountAgain, r as onChange, t as keepMounted } from "./host-DpRrVevD.mjs";
/** Most letters of a canvas in JSON, and most regions with the global one: as in resonance/canvas/read.py. */
var LETTERS = 2 ** 23;
/** Letters of a region's words that stand for its name. */
var LABEL = 40;
var GREY = [
	128,
	128,
	128
];
var WHOLE = [
	0,
	90,
	0,
	90
];
var EMPTY = {
	rect: WHOLE,
	prefixes: [],
	suffixes: [],
	color: GREY,
	name: "",
	tags: null,
	negative: "",
	weight: 1,
	start: 0,
	end: 1,
	mask: "",
	lora: null,
	locked: false,
	hidden: false,
	extra: {}
};
var BLANK = {
	regions: [EMPTY],
	origin: ""
};
/** Something is no canvas. `path` leads to what is wrong, such as `[2, 'rect']`. */
var CanvasError = class extends Error {
	path;
	constructor(message, path = []) {
		super(message);
		this.path = path;
	}
};
/** The canvas in a JSON text. Throws a SyntaxError or a CanvasError. */
function read(text) {
	return readList(JSON.parse(text));
}
var OWN = [...[
	"rect",
	"prefixes",
	"suffixes",
	"color",
	"name",
	"tags"
], ...[
	"negative",
	"weight",
	"start",
	"end",
	"mask",
	"lora",
	"from"
]];
/** The canvas in a list that has been parsed. Throws a CanvasError. */
function readList(value) {
	if (!Array.isArray(value)) throw new CanvasError("A canvas in JSON is a list of regions.");
	const [first, ...others] = value.map(readRegion);
	if (!first) throw new CanvasError("The list of regions is empty: its first item is the global one.");
	const keys = value.flatMap((item) => Object.keys(item));
	if (keys.length && !keys.some((key) => OWN.includes(key))) throw new CanvasError("The list has none of a canvas's keys, such as rect, prefixes and suffixes.", [0]);
	const origin = value[0]["from"] ?? "";
	if (!isText(origin)) throw new CanvasError("Item 0 of the list: from is not a text.", [0, "from"]);
	return {
		regions: [first, ...others],
		origin
	};
}
function readRegion(value, number) {
	if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CanvasError(`Item ${number} of the list is not a region: an object in {}.`, [number]);
	const { from, editor, ...fields } = value;
	const wrong = (key, wanted) => new CanvasError(`Item ${number} of the list: ${key} is not ${wanted}.`, key in fields ? [number, key] : [number]);
	const take = (key, usual, wanted, check) => {
		const found = fields[key];
		delete fields[key];
		if (found === void 0 || found === null) return usual;
		if (!check(found)) {
			fields[key] = found;
			throw wrong(key, wanted);
		}
		return found;
	};
	const texts = (key) => take(key, [], "a list of texts", (found) => Array.isArray(found) && found.every(isText));
	const number_ = (key, low, high, usual) => take(key, usual, `a number from ${low} to ${high}`, (found) => isWithin(found, low, high));
	const text = (key) => take(key, "", "a text", isText);
	const rect = take("rect", number === 0 ? WHOLE : null, `[top, bottom, left, right] in whole cells with 0 <= top < bottom <= 90 and 0 <= left < right <= 90`, isRect);
	if (!rect) throw wrong("rect", "there: it is [top, bottom, left, right] in whole cells");
	const prefixes = texts("prefixes");
	const suffixes = texts("suffixes");
	const start = number_("start", 0, 1, 0);
	const { locked, hidden, ...states } = typeof editor === "object" && editor !== null ? editor : {};
	const region = {
		rect,
		prefixes,
		suffixes,
		color: take("color", GREY, "[red, green, blue] in whole numbers from 0 to 255", isColor),
		name: text("name"),
		tags: take("tags", null, `the number of one of the ${suffixes.length} suffixes, from 0`, (found) => Number.isInteger(found) && isWithin(found, 0, suffixes.length - 1)),
		negative: text("negative"),
		weight: number_("weight", 0, 100, 1),
		start,
		end: number_("end", start, 1, 1),
		mask: text("mask").replace(/^data:image\/png;base64,/, ""),
		lora: take("lora", null, "{\"file\": name of a file, \"strength\": a number}", isLora),
		locked: locked === true,
		hidden: hidden === true
	};
	if (region.lora) region.lora = {
		file: region.lora.file,
		strength: region.lora.strength ?? 1
	};
	if (number > 0 && from !== void 0) fields["from"] = from;
	if (Object.keys(states).length) fields["editor"] = states;
	return {
		...region,
		extra: fields
	};
}
/** The canvas as JSON, a region a line; what has its default is left out. */
function write(canvas) {
	return `[\n${canvas.regions.map((region, i) => JSON.stringify(plain(region, i === 0 ? canvas.origin : ""))).join(",\n")}\n]`;
}
/** A region as it stands in JSON. */
function plain(region, origin = "") {
	const { rect, prefixes, suffixes, color, locked, hidden, extra, ...optional } = region;
	const item = {
		rect,
		prefixes,
		suffixes,
		color
	};
	for (const [key, value] of Object.entries(optional)) if (value !== EMPTY[key]) item[key] = value;
	if (origin) item["from"] = origin;
	const { editor, ...unknown } = extra;
	const states = {
		...locked && { locked },
		...hidden && { hidden },
		...editor
	};
	if (Object.keys(states).length) item["editor"] = states;
	return {
		...item,
		...unknown
	};
}
/** The prefixes of a local region without the global ones that they begin with. */
function ownPrefixes(canvas, region) {
	const shared = canvas.regions[0].prefixes;
	return shared.every((prefix, i) => region.prefixes[i] === prefix) ? region.prefixes.slice(shared.length) : region.prefixes;
}
/** What a person calls a region: its name, else how its words begin. Empty where it has neither. */
function label(canvas, number) {
	const region = canvas.regions[number];
	if (!region) return "";
	const described = ((number === 0 ? region.prefixes : ownPrefixes(canvas, region)).at(-1) ?? "").split(",")[0] ?? "";
	return region.name || [...described.replace(/^[ .]+|[ .]+$/g, "").slice(0, 80)].slice(0, LABEL).join("");
}
/** As CSS has it: `#rrggbb`. */
function hex(color) {
	return "#" + color.map((part) => part.toString(16).padStart(2, "0")).join("");
}
function isText(value) {
	return typeof value === "string";
}
function isWithin(value, low, high) {
	return typeof value === "number" && low <= value && value <= high;
}
function isRect(value) {
	if (!Array.isArray(value) || value.length !== 4 || !value.every((edge) => Number.isInteger(edge))) return false;
	const [top, bottom, left, right] = value;
	return 0 <= top && top < bottom && bottom <= 90 && 0 <= left && left < right && right <= 90;
}
function isColor(value) {
	return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isInteger(part) && isWithin(part, 0, 255));
}
function isLora(value) {
	if (typeof value !== "object" || value === null) return false;
	const { file, strength } = value;
	return isText(file) && file.trim() !== "" && (strength === void 0 || isWithin(strength, -100, 100));
}
// src/canvas/preview.css?inline
var preview_default = ".resonance-preview {\n  display: flex;\n  flex-direction: column;\n  gap: 4px;\n  width: 100%;\n  height: 100%;\n  min-height: 200px;\n  color: var(--input-text, #ddd);\n  font: 12px/1.35 sans-serif;\n}\n.resonance-preview .pictures {\n  display: flex;\n  flex: 1;\n  gap: 6px;\n  min-height: 80px;\n}\n.resonance-preview .picture {\n  position: relative;\n  flex: 1;\n  padding: 0;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--comfy-input-bg, #222);\n  overflow: hidden;\n}\n.resonance-preview button.picture {\n  cursor: pointer;\n}\n.resonance-preview .live {\n  border-color: var(--p-primary-color, #4ea5ff);\n  box-shadow: 0 0 0 1px var(--p-primary-color, #4ea5ff);\n}\n.resonance-preview .picture > svg {\n  position: absolute;\n  inset: 0;\n  width: 100%;\n  height: 100%;\n}\n.resonance-preview .area {\n  stroke: #fff;\n  stroke-width: 1px;\n  vector-effect: non-scaling-stroke;\n  fill-opacity: 0.6;\n}\n.resonance-preview text {\n  font-size: 6px;\n  fill: #fff;\n  stroke: #000;\n  stroke-width: 1px;\n  paint-order: stroke;\n}\n.resonance-preview .answer {\n  flex: 1;\n  contain: size; /* the node does not grow with it */\n  overflow: hidden;\n  display: flex;\n  flex-direction: column;\n  justify-content: flex-end;\n  white-space: pre-wrap;\n  overflow-wrap: anywhere;\n  font-size: 11px;\n  color: var(--descrip-text, #999);\n}\n.resonance-preview .says {\n  flex: none;\n  max-height: 4.05em;\n  overflow: auto;\n  overflow-wrap: anywhere;\n}\n.resonance-preview .answer:empty {\n  display: none;\n}\n.resonance-preview .actions {\n  flex: none;\n  display: flex;\n  gap: 4px;\n}\n.resonance-preview .actions button {\n  flex: 1;\n  padding: 4px 8px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--comfy-input-bg, #222);\n  color: var(--input-text, #ddd);\n  font: inherit;\n  cursor: pointer;\n}\n.resonance-preview .actions button:hover:enabled {\n  border-color: var(--p-primary-color, #4ea5ff);\n}\n.resonance-preview button:disabled {\n  opacity: 0.5;\n  cursor: default;\n}\n.resonance-preview button:focus-visible {\n  outline: 2px solid var(--p-primary-color, #4ea5ff);\n  outline-offset: -2px;\n}\n";
// src/canvas/preview.ts
var LONGEST_TITLE = 600;
var MOST_AREAS = 500;
/** With `open`, a click on the picture or Enter calls it. */
function createPreview(open) {
	addStyle("resonance-preview", preview_default);
	const picture = open ? h("button", {
		type: "button",
		onclick: open
	}) : h("div", { role: "img" });
	picture.className = "picture";
	const answer = h("div", { className: "answer" });
	const says = h("div", {
		className: "says",
		role: "status"
	});
	const actions = h("div", { className: "actions" });
	let shown = "";
	return {
		element: h("div", { className: "resonance-preview" }, h("div", { className: "pictures" }, picture, answer), says, actions),
		actions,
		show(look) {
			if (look.canvas) {
				picture.replaceChildren(draw(look.canvas, look.aspect ?? 1));
				picture.ariaLabel = describe(look.canvas, open !== null);
			}
			picture.classList.toggle("live", look.live ?? false);
			answer.textContent = look.live && look.answer?.slice(-1e3) || "";
			if (shown !== (look.says ?? "")) says.textContent = shown = look.says ?? "";
		}
	};
}
/** The canvas on a ground of its global color, 90 high. */
function draw(canvas, aspect) {
	const [whole, ...others] = canvas.regions.slice(0, MOST_AREAS);
	const ground = svg("rect", {
		width: "100%",
		height: "100%",
		fill: hex(whole.color)
	});
	const areas = others.map((region, i) => {
		const [top, bottom, left, right] = region.rect;
		const words = [...region.prefixes, ...region.suffixes].join("\n").slice(0, LONGEST_TITLE);
		return svg("svg", {
			x: left * aspect,
			y: top,
			width: (right - left) * aspect,
			height: bottom - top
		}, svg("title", {}, words), svg("rect", {
			class: "area",
			width: "100%",
			height: "100%",
			fill: hex(region.color)
		}), svg("text", {
			x: 1.5,
			y: 6.5
		}, label(canvas, i + 1)));
	});
	return svg("svg", { viewBox: `0 0 ${90 * aspect} 90` }, ground, ...areas);
}
function describe(canvas, opens) {
	const count = canvas.regions.length - 1;
	const names = canvas.regions.map((_, i) => i ? label(canvas, i) : "").filter(Boolean);
	return t(opens ? "node.edit_described" : "node.described", {
		count,
		names: names.slice(0, 12).join(", ")
	}).replace(/[:,]\s*$/, "");
}
// src/live.ts
function answers(draw) {
	const known = /* @__PURE__ */ new Map();
	const changed = /* @__PURE__ */ new Set();
	let frame = 0;
	function show(node, answer) {
		known.set(node, answer);
		changed.add(node);
		frame ||= requestAnimationFrame(() => {
			frame = 0;
			for (const node of changed) draw(node, known.get(node));
			changed.clear();
		});
	}
	return {
		hear(event) {
			const before = known.get(event.node);
			const answer = before?.run === event.run ? before : {
				run: event.run,
				text: "",
				regions: null,
				live: true,
				next: 0
			};
			if (event.seq < answer.next) return;
			const gap = event.seq > answer.next ? " … " : "";
			show(event.node, {
				run: event.run,
				text: event.text ?? answer.text + gap + (event.delta ?? ""),
				regions: event.regions ?? answer.regions,
				live: !event.done,
				next: event.seq + 1
			});
		},
		stop() {
			for (const [node, answer] of known) if (answer.live) show(node, {
				...answer,
				live: false
			});
		}
	};
}
// src/effective.ts
function widgetOf(node, name) {
	return node.widgets?.find((widget) => widget.name === name);
}
function textOf(node) {
	return String(widgetOf(node, "canvas_text")?.value ?? "");
}
function isLinked(node, name) {
	return node.inputs?.some((input) => input.name === name && input.link != null) ?? false;
}
/** Whether the node starts from another canvas or from boxes. */
function hasUpstream(node) {
	return isLinked(node, "canvas") || isLinked(node, "boxes");
}
/** Width and height of the picture: of the connected image, once it is known, before the widgets. */
function sizeOf(node) {
	const run = outputOf(node)?.["resonance_size"];
	if (run && [
		"image",
		"width",
		"height"
	].some((name) => isLinked(node, name))) return run;
	return [Number(widgetOf(node, "width")?.value ?? 1), Number(widgetOf(node, "height")?.value ?? 1)];
}
/** What the node holds. `patience` is waited for before the server is asked, which reads what is no JSON list. */
async function effectiveOf(node, patience) {
	const output = outputOf(node);
	if (isLinked(node, "canvas_text")) return {
		text: "",
		canvas: stored(output?.["resonance_canvas"]) ?? BLANK,
		problem: "",
		note: t("node.text_connected"),
		origin: ""
	};
	const text = textOf(node);
	const connected = hasUpstream(node);
	const upstream = connected ? stored(output?.["resonance_upstream"]) : null;
	const origin = upstream ? String((output?.["resonance_from"])[0]) : "";
	const unknown = connected && !upstream ? t("node.run_first") : "";
	if (!text.trim()) return {
		text,
		canvas: upstream ?? BLANK,
		problem: "",
		note: unknown,
		origin
	};
	try {
		const { canvas, notes } = await understand(text, sizeOf(node), patience);
		if (upstream && canvas.origin !== origin) return {
			text,
			canvas: upstream,
			problem: "",
			note: t("node.outdated"),
			origin
		};
		return {
			text,
			canvas,
			problem: "",
			note: unknown || notes.join(" "),
			origin
		};
	} catch (error) {
		return {
			text,
			canvas: null,
			problem: error.message,
			note: "",
			origin
		};
	}
}
async function understand(text, [width, height], patience) {
	const canvas = plainList(text);
	if (canvas) return {
		canvas,
		notes: []
	};
	await patience();
	const { regions, notes } = await ask("/resonance/canvas/read", {
		text,
		width,
		height
	});
	return {
		canvas: readList(regions),
		notes: notes.map((note) => t("node.note", { note }))
	};
}
/** A canvas that the server would read no other way. What it says of all else is what a run would say. */
function plainList(text) {
	if (!/^\s*\[/.test(text)) return null;
	try {
		const canvas = read(text);
		return canvas.regions.some(({ extra }) => "description" in extra || "location" in extra) || canvas.regions.length > 500 ? null : canvas;
	} catch {
		return null;
	}
}
/** The canvas that a node has put out. */
function stored(output) {
	const text = output?.[0];
	return text ? read(text) : null;
}
// src/pictures.ts
function picturesOf(node) {
	return {
		connected: () => address(connected(node)),
		last: () => address(lastPicture()),
		heats: () => heats().map(({ picture, maps, names }) => ({
			picture: viewUrl(picture),
			maps: maps.map(viewUrl),
			names
		}))
	};
}
function address(picture) {
	return picture ? viewUrl(picture) : null;
}
/** The file of a connected Load Image, which can be newer than the last run; else what that run saw. */
function connected(node) {
	if (!isLinked(node, "image")) return void 0;
	const link = node.inputs?.find(({ name }) => name === "image")?.link;
	const origin = node.graph?.getNodeById(node.graph.getLink?.(link ?? -1)?.origin_id ?? -1);
	const file = origin?.type === "LoadImage" && !isLinked(origin, "image") && widgetOf(origin, "image")?.value;
	return file ? inputFile(String(file)) : (outputOf(node)?.["resonance_background"])?.[0];
}
/** A file as Load Image names it: `folder/name.png [temp]`. */
function inputFile(value) {
	const [, path = value, type = "input"] = /^(.*?)(?: \[(\w+)\])?$/.exec(value) ?? [];
	const end = path.lastIndexOf("/");
	return {
		filename: path.slice(end + 1),
		subfolder: path.slice(0, Math.max(end, 0)),
		type
	};
}
// src/node.ts
var node_exports = /* @__PURE__ */ __exportAll({
	attach: () => attach,
	edit: () => edit,
	loaded: () => loaded
});
/** Milliseconds of rest before the server is asked to read a text that is being typed. */
var PATIENCE = 250;
/** Milliseconds after which outputs that are kept with a workflow have been put back. */
var RESTORED = 500;
var attached = /* @__PURE__ */ new WeakMap();
var answered = answers((id, answer) => {
	const node = findNode(id);
	if (node) attached.get(node)?.answer?.(answer);
});
on("resonance.canvas", answered.hear);
for (const end of [
	"execution_success",
	"execution_error",
	"execution_interrupted"
]) on(end, answered.stop);
/** Puts a picture of its canvas on a node that was just made. */
async function attach(node, host, edited) {
	keepMounted(node, host);
	await loadTexts();
	const made = edited ? canvasPreview(node) : chatPreview(node);
	attached.set(node, made);
	host.replaceChildren(made.element);
	const before = node.onExecuted;
	node.onExecuted = (output) => {
		before?.call(node, output);
		made.refresh();
	};
	made.refresh();
}
/** After a workflow was loaded, and after undo. */
function loaded(node) {
	attached.get(node)?.refresh();
	setTimeout(() => attached.get(node)?.refresh(), RESTORED);
	mountAgain(node);
}
function canvasPreview(node) {
	const open = () => void edit(node);
	const preview = createPreview(open);
	const button = h("button", {
		type: "button",
		textContent: t("node.edit"),
		onclick: open
	});
	const release = h("button", {
		type: "button",
		textContent: t("node.use_connected"),
		title: t("node.use_connected_tip"),
		onclick: () => setText(node, "")
	});
	preview.actions.append(button, release);
	const made = {
		element: preview.element,
		refresh: () => void refresh(),
		canvas: BLANK
	};
	let turn = 0;
	async function refresh() {
		const mine = ++turn;
		release.hidden = !hasUpstream(node) || !textOf(node).trim();
		const source = await effectiveOf(node, () => new Promise((done) => setTimeout(done, PATIENCE)));
		if (mine !== turn) return;
		if (source.canvas) made.canvas = source.canvas;
		const [width, height] = sizeOf(node);
		preview.show({
			canvas: made.canvas,
			aspect: width / height,
			says: source.problem || source.note
		});
	}
	for (const name of [
		"canvas_text",
		"width",
		"height"
	]) onChange(widgetOf(node, name), made.refresh);
	const before = node.onConnectionsChange;
	node.onConnectionsChange = function(...change) {
		before?.apply(node, change);
		made.refresh();
	};
	return made;
}
function chatPreview(node) {
	const preview = createPreview(null);
	const button = h("button", {
		type: "button",
		textContent: t("node.copy"),
		onclick: async () => {
			if (!await copy(write(made.canvas))) tell(t("node.not_copied"));
		}
	});
	preview.actions.append(button);
	onChange(widgetOf(node, "answer_form"), () => followForm(node));
	const made = {
		element: preview.element,
		refresh() {
			const canvas = stored(outputOf(node)?.["resonance_canvas"]);
			if (canvas) made.canvas = canvas;
			button.hidden = made.canvas === BLANK;
			preview.show({
				canvas: made.canvas,
				says: button.hidden ? t("node.none_yet") : ""
			});
		},
		answer({ regions, live, text }) {
			if (regions) made.canvas = readList(regions);
			button.hidden = made.canvas === BLANK;
			preview.show({
				canvas: made.canvas,
				live,
				answer: text
			});
		},
		canvas: BLANK
	};
	return made;
}
/** Shows the instruction that belongs to the form of the answer, unless another was written. */
function followForm(node) {
	const system = widgetOf(node, "system");
	const texts = node.constructor.nodeData?.input.required?.["system"]?.[1]?.["texts"] ?? {};
	const text = texts[String(widgetOf(node, "answer_form")?.value)];
	if (system && text && Object.values(texts).includes(String(system.value))) system.value = text;
}
/** All parts at once: an editor that is open can do without the server. */
function editorParts() {
	return Promise.all([
		import("./editor-DdHdvGm9.mjs"),
		import("./form-CL3b385e.mjs"),
		import("./source_text-D12faEP9.mjs").then((n) => n.t),
		import("./exchange_panels-C7N6I2K-.mjs")
	]);
}
/** Opens the editor on a node's canvas. */
async function edit(node) {
	await loadTexts();
	if (!node) return tell(t("node.select_one"));
	if (isLinked(node, "canvas_text")) return tell(t("node.text_connected"));
	const loading = editorParts().catch(() => void 0);
	const source = await effectiveOf(node, () => Promise.resolve());
	const parts = await loading;
	if (!parts) return tell(t("server.gone"));
	if (document.querySelector("dialog.resonance-editor")) return;
	const [{ openEditor }] = parts;
	const [width, height] = sizeOf(node);
	const find = finder(node);
	const canvas = source.canvas ?? attached.get(node)?.canvas ?? BLANK;
	const origin = source.origin || (hasUpstream(node) ? canvas.origin : "");
	let known = source.text;
	openEditor({
		title: node.title,
		canvas: origin ? {
			...canvas,
			origin
		} : canvas,
		text: source.text,
		problem: source.problem,
		note: source.note,
		width,
		height,
		pictures: picturesOf(node),
		save(text) {
			const found = find();
			if (!found) throw new Error(t("node.gone"));
			if (textOf(found) !== known) {
				known = textOf(found);
				throw new Error(t("node.changed"));
			}
			const saved = read(text);
			setText(found, write(origin ? {
				...saved,
				origin
			} : saved));
		}
	});
}
function setText(node, text) {
	const widget = widgetOf(node, "canvas_text");
	if (!widget || widget.value === text) return;
	widget.value = text;
	captureUndo();
}
function tell(summary) {
	app.extensionManager.toast.add({
		severity: "info",
		summary,
		life: 5e3
	});
}
export { WHOLE as a, attach, ownPrefixes as c, readList as d, edit, write as f, LETTERS as i, plain as l, loaded, CanvasError as n, hex as o, EMPTY as r, label as s, node_exports as t, read as u };
