import { d as readList, f as write, o as hex, s as label, t as BLANK, u as read } from "./canvas-C_LGCpmB.mjs";
import { _ as viewUrl, d as captureUndo, f as findNode, h as outputOf, i as h, l as app, m as on, n as lastPicture, o as svg, p as finder, r as addStyle, t as heats, u as ask, v as loadTexts, y as t } from "./resonance.js";
import { t as copy } from "./copy-C-eODKft.mjs";
import { n as mountAgain, r as onChange, t as keepMounted } from "./host-DpRrVevD.mjs";
// \0rolldown/runtime.js
var __defProp = Object.defineProperty;
var __exportAll = (all, no_symbols) => {
	let target = {};
	for (var name in all) __defProp(target, name, {
		get: all[name],
		enumerable: true
	});
	if (!no_symbols) __defProp(target, Symbol.toStringTag, { value: "Module" });
	return target;
};
// src/canvas/background.css?inline
var background_default = ".resonance-background {\n  display: flex;\n  flex-wrap: wrap;\n  align-items: center;\n  gap: 6px;\n}\n.resonance-background button[aria-pressed='true'] {\n  border-color: var(--p-primary-color, #60a5fa);\n  box-shadow: inset 0 0 0 1px var(--p-primary-color, #60a5fa);\n}\n.resonance-background button.heat {\n  margin-left: 12px;\n}\n.resonance-background input[type='range'] {\n  width: 90px;\n}\n.resonance-background label {\n  display: flex;\n  align-items: center;\n  gap: 4px;\n}\n.resonance-background .says {\n  flex: 1 1 160px;\n  color: var(--descrip-text, #aaa);\n}\n";
// src/canvas/background.ts
var OPACITY = .6;
/** Formats that differ by less look the same. */
var SAME = .01;
function backgroundControls(view, pictures, state) {
	addStyle("resonance-background", background_default);
	const says = h("span", {
		className: "says",
		role: "status"
	});
	const opacity = slider(t("background.opacity"), OPACITY, (value) => {
		const background = view.view.background;
		if (background) view.set({ background: {
			...background,
			opacity: value
		} });
	});
	const file = h("input", {
		type: "file",
		accept: "image/*",
		hidden: true
	});
	const choices = {
		none: choice("none", () => void show("none", null)),
		connected: choice("connected", () => void show("connected", pictures.connected())),
		last: choice("last", () => void show("last", pictures.last())),
		file: choice("file", () => file.click())
	};
	choices.none.ariaPressed = "true";
	const heat = heatControls(view, pictures, state, says);
	const element = h("div", {
		className: "resonance-background",
		role: "group",
		ariaLabel: t("background.title")
	}, ...Object.values(choices), file, opacity, ...heat, says);
	file.addEventListener("change", () => {
		const chosen = file.files?.[0];
		file.value = "";
		if (!chosen) return;
		const href = URL.createObjectURL(chosen);
		element.closest("dialog")?.addEventListener("close", () => URL.revokeObjectURL(href), { once: true });
		show("file", href);
	});
	let turn = 0;
	async function show(kind, href) {
		const mine = ++turn;
		const aspect = href && await aspectOf(href);
		if (mine !== turn) return;
		if (kind !== "none" && !aspect) {
			says.textContent = t(href ? "background.unreadable" : `background.no_${kind}`);
			return;
		}
		for (const [name, button] of Object.entries(choices)) button.ariaPressed = String(name === kind);
		says.textContent = aspect && Math.abs(aspect / view.view.aspect - 1) > SAME ? t("background.fitted") : "";
		view.set({ background: href && aspect ? {
			href,
			aspect,
			opacity: Number(opacity.value)
		} : null });
	}
	return element;
}
function choice(kind, onclick) {
	return h("button", {
		type: "button",
		textContent: t(`background.${kind}`),
		ariaPressed: "false",
		onclick
	});
}
function slider(name, value, change) {
	const input = h("input", {
		type: "range",
		min: "0",
		max: "1",
		step: "0.05",
		ariaLabel: name,
		title: name
	});
	input.value = String(value);
	input.addEventListener("input", () => change(Number(input.value)));
	return input;
}
/** Width by height of the picture at an address; null if it cannot be read. */
async function aspectOf(href) {
	const image = new Image();
	image.src = href;
	return image.decode().then(() => image.naturalWidth / image.naturalHeight, () => null);
}
function heatControls(view, pictures, state, says) {
	let before = view.view.background;
	let under = "";
	let canvas = null;
	let selected = [];
	const shown = choice("heat", () => void toggle());
	shown.classList.add("heat");
	const only = h("input", { type: "checkbox" });
	const opacity = slider(t("background.heat_opacity"), OPACITY, (value) => {
		if (view.view.heat) view.set({ heat: {
			...view.view.heat,
			opacity: value
		} });
	});
	const more = [opacity, h("label", {}, only, t("background.selected_only"))];
	for (const element of more) element.hidden = true;
	function maps() {
		const found = heatFor(state.canvas, pictures.heats());
		return (found ? mapsOf(state.canvas, found) : []).filter(({ region }) => only.checked ? state.selected.includes(region) : region > 0);
	}
	async function toggle() {
		const found = view.view.heat ? null : heatFor(state.canvas, pictures.heats());
		const aspect = found && await aspectOf(found.picture);
		if (found && aspect && !view.view.heat) {
			before = view.view.background;
			under = found.picture;
			const background = {
				href: under,
				aspect,
				opacity: 1
			};
			view.set({
				background,
				heat: {
					maps: maps(),
					opacity: Number(opacity.value)
				}
			});
			says.textContent = "";
		} else if (view.view.heat) {
			const { background } = view.view;
			view.set({
				background: background?.href === under ? before : background,
				heat: null
			});
		} else says.textContent = t(found ? "background.unreadable" : "background.no_heat");
		shown.ariaPressed = String(view.view.heat !== null);
		for (const element of more) element.hidden = view.view.heat === null;
	}
	function follow() {
		const heat = view.view.heat;
		if (!heat || canvas === state.canvas && selected === state.selected) return;
		canvas = state.canvas;
		selected = state.selected;
		const next = maps();
		if (JSON.stringify(next) !== JSON.stringify(heat.maps)) view.set({ heat: {
			...heat,
			maps: next
		} });
	}
	only.addEventListener("change", () => {
		canvas = null;
		follow();
	});
	state.subscribe(follow);
	return [shown, ...more];
}
/** The newest heat that most regions of its run still are in the canvas for. */
function heatFor(canvas, heats) {
	return heats.find((heat) => 2 * (mapsOf(canvas, heat).length - 1) > heat.names.length - 1);
}
/** The maps of a run by the number of the region that is called as it was then; the global words are region 0. */
function mapsOf(canvas, heat) {
	const free = new Set(canvas.regions.keys());
	free.delete(0);
	return heat.names.flatMap((name, part) => {
		const href = heat.maps[part] ?? "";
		if (part === 0) return [{
			region: 0,
			href
		}];
		const region = [...free].find((number) => (label(canvas, number) || `region ${number}`) === name);
		if (region === void 0) return [];
		free.delete(region);
		return [{
			region,
			href
		}];
	});
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
		import("./editor-BXi4JKjd.mjs"),
		import("./form-D5ldOKZY.mjs"),
		import("./source_text-CIdHfkSm.mjs"),
		import("./exchange_panels-DOHnVA6j.mjs")
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
export { attach, edit, loaded, backgroundControls as n, node_exports as t };
