import { _ as read, a as stored, c as BLANK, i as sizeOf, m as label, n as hasUpstream, o as textOf, p as hex, r as isLinked, s as widgetOf, t as effectiveOf, v as readList, y as write } from "./effective-CUuSsUpo.mjs";
import { A as captureUndo, C as svg, F as on, H as t, I as outputOf, M as finder, O as app, P as loadTexts, V as viewUrl, b as addStyle, d as setting, g as keepMounted, j as findNode, v as mountAgain, x as h, y as onChange } from "./resonance.js";
import { n as inputFile, r as picturesOf } from "./pictures-YikTi_Yx.mjs";
import { t as copy } from "./copy-C-eODKft.mjs";
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
		}, label(canvas, i + 1)), ...region.picture ? [pictureOf(region.picture.file)] : []);
	});
	return svg("svg", { viewBox: `0 0 ${90 * aspect} 90` }, ground, ...areas);
}
/** A file of the input folder; nothing, if it is missing. */
function pictureOf(file) {
	const image = svg("image", {
		href: viewUrl(inputFile(file)),
		x: 1.5,
		y: 9,
		width: 16,
		height: 16,
		preserveAspectRatio: "xMinYMin meet"
	});
	image.addEventListener("error", () => image.remove());
	return image;
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
// src/node.ts
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
		import("./editor-Df9kV9bQ.mjs"),
		import("./form-Dv-7UDN4.mjs"),
		import("./source_text-B96qJs-g.mjs").then((n) => n.t),
		import("./exchange_panels-BEKhbznx.mjs")
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
		snap: setting("Resonance.Canvas.Snap") === false ? 1 : 5,
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
export { attach, edit, loaded };
