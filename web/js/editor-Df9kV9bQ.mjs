import { C as between, D as resize, E as overlap, S as HANDLES, T as move, _ as reorder, b as stretch, c as change, d as extract, f as locals, g as remove, h as paste, l as distribute, m as nudge, o as add, p as movable, s as align, u as duplicate, w as clamp, x as toggle, y as setRects } from "./field-FHO3C30b.mjs";
import { _ as read, m as label, p as hex, y as write } from "./effective-CUuSsUpo.mjs";
import { a as thumbnail, i as putPicture, n as dropTarget, t as words_default } from "./words-CqeWkxlE.mjs";
import { C as svg, H as t, S as showText, b as addStyle, x as h } from "./resonance.js";
// src/canvas/state.ts
var State = class {
	past = [];
	future = [];
	now;
	draft = null;
	tag = "";
	listeners = /* @__PURE__ */ new Set();
	constructor(canvas) {
		this.now = {
			canvas,
			selected: canvas.regions.length > 1 ? [1] : [0]
		};
	}
	/** The canvas as of the last step. */
	get canvas() {
		return this.now.canvas;
	}
	/** What is to be drawn: what a drag would lead to, else the canvas. */
	get shown() {
		return this.draft ?? this.now.canvas;
	}
	/** Numbers of the selected regions, the one that was selected last at the end; 0 is the global region. */
	get selected() {
		return this.now.selected;
	}
	get canUndo() {
		return this.past.length > 0;
	}
	get canRedo() {
		return this.future.length > 0;
	}
	/** Calls a listener after every change. Returns what stops that. */
	subscribe(listener) {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}
	/** Shows what a drag would lead to, without making it a step; null takes it back. */
	preview(canvas) {
		if (this.draft === canvas) return;
		this.draft = canvas;
		this.changed();
	}
	/** One step of the history. Steps in a row with the same tag become one, such as the letters of a word. */
	commit(canvas, selected = this.selected, tag = "") {
		this.draft = null;
		if (canvas !== this.now.canvas) {
			if (!tag || tag !== this.tag) this.past = [...this.past.slice(-199), this.now];
			this.tag = tag;
			this.future = [];
		}
		const kept = selected.filter((number) => number < canvas.regions.length);
		this.now = {
			canvas,
			selected: String(kept) === String(this.selected) ? this.selected : kept
		};
		this.changed();
	}
	select(selected) {
		this.tag = "";
		this.now = {
			canvas: this.canvas,
			selected
		};
		this.changed();
	}
	undo() {
		this.move(this.past, this.future);
	}
	redo() {
		this.move(this.future, this.past);
	}
	move(from, to) {
		const snapshot = from.pop();
		if (!snapshot) return;
		to.push(this.now);
		this.now = snapshot;
		this.draft = null;
		this.tag = "";
		this.changed();
	}
	changed() {
		for (const listener of this.listeners) listener();
	}
};
// src/canvas/view.ts
var ViewState = class {
	now;
	listeners = /* @__PURE__ */ new Set();
	constructor(now) {
		this.now = now;
	}
	get view() {
		return this.now;
	}
	set(change) {
		this.now = {
			...this.now,
			...change
		};
		for (const listener of this.listeners) listener();
	}
	subscribe(listener) {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}
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
// src/canvas/shapes.ts
var masks = 0;
/** A grey picture as the shape of something. Returns the mask and how to refer to it. */
function maskOf(href) {
	const id = `resonance-mask-${++masks}`;
	const image = svg("image", {
		href,
		width: "100%",
		height: "100%",
		preserveAspectRatio: "none"
	});
	return {
		mask: svg("mask", {
			id,
			maskContentUnits: "userSpaceOnUse"
		}, image),
		reference: `url(#${id})`
	};
}
function shapes(state) {
	const regions = svg("g");
	const handles = svg("g", { class: "resonance-handles" });
	const grips = HANDLES.map((handle) => {
		const [x, y] = [handle.includes("w") ? -1 : handle.includes("e") ? 1 : 0, handle.includes("n") ? -1 : handle.includes("s") ? 1 : 0];
		const hit = svg("rect", {
			class: "hit",
			x: 8 * x - 12,
			y: 8 * y - 12,
			width: 24,
			height: 24
		});
		const seen = svg("rect", {
			class: "seen",
			x: -5,
			y: -5,
			width: 10,
			height: 10,
			rx: 2
		});
		const grip = svg("g", { "data-handle": handle }, svg("g", { class: "resonance-undistorted" }, hit, seen));
		grip.style.cursor = `${handle}-resize`;
		return {
			grip,
			x: (x + 1) / 2,
			y: (y + 1) / 2
		};
	});
	handles.append(...grips.map(({ grip }) => grip));
	const drawn = [];
	let named = null;
	let pressed = [];
	function make(number) {
		const fill = svg("rect", {
			class: "fill",
			width: "100%",
			height: "100%"
		});
		const edge = svg("rect", {
			class: "edge",
			width: "100%",
			height: "100%"
		});
		const text = svg("text", {
			class: "resonance-undistorted",
			x: 9,
			y: 20
		});
		const frame = svg("svg", {}, fill, edge, text);
		const pressed = String(state.selected.includes(number));
		const element = svg("g", {
			class: "resonance-region",
			role: "button",
			tabindex: 0,
			"aria-pressed": pressed,
			"data-region": number
		}, frame);
		regions.append(element);
		return {
			element,
			frame,
			fill,
			text,
			mask: null,
			picture: null,
			drawn: null
		};
	}
	function update(shape, region) {
		const { element, frame, drawn: before } = shape;
		if (region.rect !== before?.rect) {
			const [top, bottom, left, right] = region.rect;
			const was = before?.rect;
			if (top !== was?.[0] || left !== was[2]) element.setAttribute("transform", `translate(${left} ${top})`);
			if (!was || right - left !== was[3] - was[2]) frame.setAttribute("width", String(right - left));
			if (!was || bottom - top !== was[1] - was[0]) frame.setAttribute("height", String(bottom - top));
		}
		if (region.color !== before?.color) element.style.setProperty("--color", hex(region.color));
		if (region.hidden !== before?.hidden) element.style.display = region.hidden ? "none" : "";
		if (region.locked !== before?.locked) element.classList.toggle("locked", region.locked);
		if (region.mask !== (before?.mask ?? "")) {
			shape.mask?.remove();
			shape.mask = null;
			shape.fill.removeAttribute("mask");
			if (region.mask) {
				const { mask, reference } = maskOf(`data:image/png;base64,${region.mask}`);
				frame.prepend(mask);
				shape.fill.setAttribute("mask", reference);
				shape.mask = mask;
			}
		}
		if (region.picture?.file !== before?.picture?.file) {
			shape.picture?.remove();
			shape.picture = region.picture && thumbnail(region.picture);
			if (shape.picture) frame.append(shape.picture);
		}
		shape.drawn = region;
	}
	function draw() {
		const { shown, selected } = state;
		const count = shown.regions.length - 1;
		for (let number = 1; number <= count; number++) {
			const shape = drawn[number - 1] ??= make(number);
			const region = shown.regions[number];
			if (region && region !== shape.drawn) update(shape, region);
		}
		for (const shape of drawn.splice(count)) shape.element.remove();
		if (shown === state.canvas && shown !== named) name(shown);
		if (selected !== pressed) press(selected);
		place();
	}
	function name(canvas) {
		named = canvas;
		drawn.forEach(({ element, text }, i) => {
			const words = label(canvas, i + 1);
			showText(text, words ? `${i + 1} ${words}` : String(i + 1));
			element.setAttribute("aria-label", describe(canvas, i + 1));
		});
	}
	function press(selected) {
		pressed = selected;
		drawn.forEach(({ element }, i) => element.setAttribute("aria-pressed", String(selected.includes(i + 1))));
	}
	function place() {
		const number = state.selected.at(-1) ?? 0;
		const region = state.shown.regions[number];
		const usable = number > 0 && region && !region.locked && !region.hidden;
		handles.style.display = usable ? "" : "none";
		if (!usable) return;
		const [top, bottom, left, right] = region.rect;
		for (const { grip, x, y } of grips) grip.setAttribute("transform", `translate(${left + x * (right - left)} ${top + y * (bottom - top)})`);
	}
	return {
		regions,
		handles,
		draw,
		element: (number) => drawn[number - 1]?.element
	};
}
/** A region in words, for those who hear it. */
function describe(canvas, number) {
	const region = canvas.regions[number];
	if (!region) return "";
	const name = label(canvas, number) || t("editor.unnamed");
	if (number === 0) return t("editor.global");
	const [top, bottom, left, right] = region.rect;
	return [t("editor.region", {
		number,
		name,
		left,
		top,
		width: right - left,
		height: bottom - top
	}), ...[
		region.locked && t("editor.locked"),
		region.hidden && t("editor.hidden"),
		region.picture && t("editor.pictured", { file: region.picture.file })
	].filter(Boolean)].join(", ");
}
// src/canvas/actions.ts
function actions(state, say) {
	const run = (command, said, tag) => {
		const { canvas, selected } = command(state.canvas, state.selected);
		if (canvas === state.canvas) {
			const locked = locals(state.selected).some((number) => state.canvas.regions[number]?.locked);
			say(t(locked ? "editor.said.locked" : "editor.said.nothing"));
			return;
		}
		if (canvas.regions.length > state.canvas.regions.length && canvas.regions.length > 500) return say(t("editor.said.full", { most: 500 }));
		state.commit(canvas, selected, tag);
		say(said ?? summary(state));
	};
	const travel = (possible, go, said) => {
		if (possible) go();
		say(t(possible ? said : "editor.said.nothing"));
	};
	return {
		run,
		create: () => run((canvas) => add(canvas, place(canvas.regions.length - 1))),
		undo: () => travel(state.canUndo, () => state.undo(), "editor.said.undone"),
		redo: () => travel(state.canRedo, () => state.redo(), "editor.said.redone")
	};
}
/** What is selected, in words. */
function summary(state) {
	const { canvas, selected } = state;
	if (selected.length > 1) return t("editor.said.selected", { count: selected.length });
	return describe(canvas, selected[0] ?? 0);
}
/** Where a region begins that nobody has drawn. */
function place(count) {
	const at = 25 + 5 * (count % 4);
	return [
		at,
		at + 25,
		at,
		at + 25
	];
}
// src/canvas/stage.ts
var MOST = 16;
function stage(state, view) {
	const { regions, handles, draw, element: regionElement } = shapes(state);
	const picture = svg("image", { preserveAspectRatio: "none" });
	const heat = svg("g");
	const frame = svg("rect", { class: "resonance-band" });
	const drawing = svg("svg", {
		viewBox: `0 0 90 90`,
		preserveAspectRatio: "none",
		role: "group",
		tabindex: 0,
		"aria-label": t("editor.stage")
	}, picture, heat, regions, handles, frame);
	const sheet = h("div", { className: "resonance-sheet" }, drawing);
	const scroller = h("div", { className: "resonance-scroller" }, sheet);
	const element = h("div", { className: "resonance-stage" }, scroller);
	let background = null;
	let maps = null;
	let selected = [];
	band(null);
	function render() {
		const focused = document.activeElement;
		const within = drawing.contains(focused);
		draw();
		for (const [i, layer] of [...heat.children].entries()) {
			const color = state.shown.regions[maps?.maps[i]?.region ?? 0]?.color;
			if (color) layer.setAttribute("fill", hex(color));
		}
		const gone = !drawing.contains(focused) || focused?.style.display === "none";
		if (within && (gone || state.selected !== selected)) focus();
		selected = state.selected;
	}
	function look() {
		if (view.view.background !== background) {
			background = view.view.background;
			showPicture(background);
		}
		if (view.view.heat !== maps) {
			if (view.view.heat?.maps !== maps?.maps) showMaps(view.view.heat);
			maps = view.view.heat;
			heat.setAttribute("opacity", String(maps?.opacity ?? 1));
			render();
		}
		sheet.classList.toggle("coarse", view.view.snap === 5);
		fit();
	}
	function showPicture(shown) {
		picture.style.display = shown ? "" : "none";
		if (!shown) return;
		const ratio = shown.aspect / view.view.aspect;
		const [width, height] = [90 * Math.min(1, ratio), 90 * Math.min(1, 1 / ratio)];
		const place = {
			x: (90 - width) / 2,
			y: (90 - height) / 2,
			width,
			height,
			opacity: shown.opacity
		};
		for (const [name, value] of Object.entries(place)) picture.setAttribute(name, String(value));
		if (picture.getAttribute("href") !== shown.href) picture.setAttribute("href", shown.href);
	}
	function showMaps(shown) {
		const layers = (shown?.maps ?? []).map(({ href }) => {
			const { mask, reference } = maskOf(href);
			return svg("g", {}, mask, svg("rect", {
				width: 90,
				height: 90,
				mask: reference
			}));
		});
		heat.replaceChildren(...layers);
	}
	function fit() {
		const { aspect, zoom } = view.view;
		const [wide, high] = [element.clientWidth - 48, element.clientHeight - 48];
		const height = Math.max(1, Math.min(high, wide / aspect)) * zoom;
		const width = height * aspect;
		drawing.style.width = `${width}px`;
		drawing.style.height = `${height}px`;
		drawing.style.setProperty("--pixel-x", String(90 / width));
		drawing.style.setProperty("--pixel-y", String(90 / height));
		sheet.style.padding = zoom > 1 ? `${element.clientHeight / 2}px ${element.clientWidth / 2}px` : "";
	}
	function point({ clientX, clientY }) {
		const { left, top, width, height } = drawing.getBoundingClientRect();
		return {
			x: (clientX - left) / width * 90,
			y: (clientY - top) / height * 90
		};
	}
	function pan(x, y) {
		scroller.scrollLeft -= x;
		scroller.scrollTop -= y;
	}
	function zoomTo(zoom, at) {
		const outer = scroller.getBoundingClientRect();
		const { x, y } = at ?? {
			x: outer.left + outer.width / 2,
			y: outer.top + outer.height / 2
		};
		const cell = point({
			clientX: x,
			clientY: y
		});
		view.set({ zoom: clamp(zoom, 1, MOST) });
		const { left, top, width, height } = drawing.getBoundingClientRect();
		pan(x - left - cell.x / 90 * width, y - top - cell.y / 90 * height);
	}
	function band(rect) {
		frame.style.display = rect ? "" : "none";
		if (!rect) return;
		const [top, bottom, left, right] = rect;
		for (const [name, value] of Object.entries({
			x: left,
			y: top,
			width: right - left,
			height: bottom - top
		})) frame.setAttribute(name, String(value));
	}
	function focus() {
		const region = regionElement(state.selected.at(-1) ?? 0);
		(region && region.style.display !== "none" ? region : drawing).focus({ preventScroll: true });
	}
	drawing.addEventListener("focusin", (event) => {
		const number = Number(event.target.dataset["region"] ?? 0);
		if (number && !state.selected.includes(number)) state.select([number]);
	});
	element.addEventListener("wheel", (event) => {
		if (!event.ctrlKey && !event.metaKey) return;
		event.preventDefault();
		zoomTo(view.view.zoom * Math.exp(-event.deltaY / 500), {
			x: event.clientX,
			y: event.clientY
		});
	}, { passive: false });
	const observer = new ResizeObserver(fit);
	observer.observe(element);
	const stops = [
		state.subscribe(render),
		view.subscribe(look),
		() => observer.disconnect()
	];
	look();
	render();
	return {
		element,
		sheet,
		point,
		pan,
		zoom: zoomTo,
		band,
		focus,
		stop: () => stops.forEach((stop) => stop())
	};
}
// src/canvas/keys.ts
var ARROWS = {
	ArrowUp: [-1, 0],
	ArrowDown: [1, 0],
	ArrowLeft: [0, -1],
	ArrowRight: [0, 1]
};
/** Where letters and arrows have a meaning of their own. */
var OWN = "[role=tab], .resonance-words";
var HELP = [
	["Tab", "tab"],
	["← ↑ ↓ →", "move"],
	["Shift + ← ↑ ↓ →", "resize"],
	["Ctrl + ← ↑ ↓ →", "faster"],
	["N", "create"],
	["Delete", "remove"],
	["Ctrl + D", "duplicate"],
	["Ctrl + C, X, V", "clipboard"],
	["Ctrl + A", "all"],
	["Home", "global"],
	["[ ]", "order"],
	["Shift + [ ]", "ends"],
	["L", "lock"],
	["H", "hide"],
	["Enter", "words"],
	["Ctrl + Z", "undo"],
	["Ctrl + Shift + Z, Ctrl + Y", "redo"],
	["+ - 0", "zoom"],
	["Space", "pan"],
	["Alt", "free"],
	["Shift", "frame"],
	["Ctrl + S, Ctrl + Enter", "save"],
	["Esc", "escape"]
];
function keys(state, view, stage, actions, deeds) {
	const { run } = actions;
	const all = () => {
		const seen = state.canvas.regions.flatMap(({ hidden }, number) => number && !hidden ? [number] : []);
		state.select(seen.length ? seen : [0]);
	};
	function find(event) {
		const { shiftKey: shift } = event;
		const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
		const control = event.ctrlKey || event.metaKey;
		if (key === "Escape") return deeds.escape;
		if (control && (key === "s" || key === "Enter")) return deeds.save;
		const target = event.target;
		if (!deeds.active() || target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
		if (control && key === "z") return shift ? actions.redo : actions.undo;
		if (control && key === "y") return actions.redo;
		if (target.closest(OWN)) return;
		const arrow = ARROWS[key];
		if (arrow && !event.altKey) {
			const [down, across] = arrow.map((cells) => cells * (control ? 5 : 1));
			return () => run((...now) => (shift ? stretch : nudge)(...now, down, across), void 0, shift ? "stretch" : "nudge");
		}
		if (control && key === "d") return () => run(duplicate);
		if (control && key === "a") return all;
		if (control || event.altKey) return;
		const order = event.code === "BracketRight" || key === "]" || key === "}" ? 1 : event.code === "BracketLeft" || key === "[" || key === "{" ? -1 : 0;
		if (order) return () => run((...now) => reorder(...now, order > 0 ? shift ? "front" : "up" : shift ? "back" : "down"));
		switch (key) {
			case "Delete":
			case "Backspace": return () => run(remove, t("editor.said.removed"));
			case "n": return () => {
				actions.create();
				stage.focus();
			};
			case "l": return () => run((...now) => toggle(...now, "locked"));
			case "h": return () => run((...now) => toggle(...now, "hidden"));
			case "Home": return () => state.select([0]);
			case "Enter": return target.closest("button") ? void 0 : deeds.words;
			case "+":
			case "=": return () => stage.zoom(view.view.zoom * 1.25);
			case "-": return () => stage.zoom(view.view.zoom / 1.25);
			case "0": return () => stage.zoom(1);
			case "?": return deeds.help;
		}
	}
	return (event) => {
		event.stopPropagation();
		if (event.defaultPrevented || event.isComposing) return;
		const act = find(event);
		if (!act) return;
		event.preventDefault();
		act();
	};
}
/** The keys, listed. */
function help() {
	const rows = HELP.flatMap(([key, name]) => [h("dt", {}, h("kbd", { textContent: key })), h("dd", { textContent: t(`editor.help.${name}`) })]);
	return h("div", {
		className: "resonance-help",
		id: "resonance-help",
		hidden: true
	}, h("h3", { textContent: t("editor.help.title") }), h("dl", {}, ...rows));
}
// src/canvas/clipboard.ts
function clipboard(element, state, { run }, say, active) {
	const listen = (type, act) => element.addEventListener(type, (event) => {
		event.stopPropagation();
		if (!event.clipboardData || !active() || event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
		event.preventDefault();
		act(event.clipboardData);
	});
	const put = (data, numbers) => {
		data.setData("text/plain", write(extract(state.canvas, numbers)));
		say(t("editor.said.copied", { count: numbers.length }));
	};
	listen("copy", (data) => {
		const numbers = locals(state.selected);
		if (numbers.length) put(data, numbers);
		else say(t("editor.said.none"));
	});
	listen("cut", (data) => {
		const numbers = movable(state.canvas, state.selected);
		if (!numbers.length) return say(t(locals(state.selected).length ? "editor.said.locked" : "editor.said.none"));
		put(data, numbers);
		run(remove, t("editor.said.cut", { count: numbers.length }));
	});
	listen("paste", (data) => {
		const pasted = parse(data.getData("text/plain"));
		if (!pasted || pasted.regions.length < 2) return say(t(pasted ? "editor.said.only_global" : "editor.said.no_canvas"));
		run((canvas) => paste(canvas, pasted), t("editor.said.pasted", { count: pasted.regions.length - 1 }));
	});
}
function parse(text) {
	try {
		return read(text);
	} catch {
		return null;
	}
}
// src/canvas/editor.css?inline
var editor_default = ".resonance-editor {\n  --ground: var(--comfy-menu-bg, #202020);\n  --field: var(--comfy-input-bg, #2d2d2d);\n  --ink: var(--input-text, #ddd);\n  --line: var(--border-color, #4e4e4e);\n  --accent: var(--p-primary-color, #60a5fa);\n  width: calc(100vw - 32px);\n  max-width: none;\n  height: calc(100vh - 32px);\n  max-height: none;\n  margin: auto;\n  padding: 0;\n  overflow: hidden;\n  border: 1px solid var(--line);\n  border-radius: 10px;\n  outline: none;\n  background: var(--ground);\n  color: var(--fg-color, var(--ink));\n  font:\n    13px/1.4 Inter,\n    system-ui,\n    sans-serif;\n\n  &[open] {\n    display: flex;\n    flex-direction: column;\n  }\n\n  &::backdrop {\n    background: rgb(0 0 0 / 60%);\n  }\n\n  [hidden] {\n    display: none !important;\n  }\n\n  button,\n  input,\n  select,\n  textarea {\n    font: inherit;\n  }\n\n  button {\n    padding: 5px 12px;\n    border: 1px solid var(--line);\n    border-radius: 6px;\n    background: var(--field);\n    color: var(--ink);\n    cursor: pointer;\n  }\n\n  button:hover {\n    border-color: var(--accent);\n  }\n\n  button[aria-disabled='true'] {\n    cursor: default;\n    opacity: 0.45;\n  }\n\n  button.primary {\n    border-color: var(--ink);\n    background: var(--ink);\n    color: var(--ground);\n    font-weight: 600;\n  }\n\n  :focus-visible {\n    outline: 2px solid var(--accent);\n    outline-offset: 1px;\n  }\n\n  > header,\n  > footer {\n    display: flex;\n    flex: none;\n    align-items: center;\n    gap: 12px;\n    padding: 8px 14px;\n  }\n\n  > header {\n    border-bottom: 1px solid var(--line);\n  }\n\n  > footer {\n    border-top: 1px solid var(--line);\n  }\n\n  h2 {\n    flex: 0 1 auto;\n    margin: 0;\n    overflow: hidden;\n    font-size: 15px;\n    font-weight: 600;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n  }\n\n  .resonance-tabs {\n    display: flex;\n    flex: 1;\n    gap: 4px;\n  }\n\n  [role='tab'] {\n    border-color: transparent;\n    background: none;\n    color: inherit;\n  }\n\n  [role='tab'][aria-selected='true'] {\n    border-color: var(--line);\n    background: var(--field);\n    color: var(--ink);\n  }\n\n  .resonance-status,\n  .resonance-problem {\n    min-width: 0;\n    margin: 0;\n    overflow: hidden;\n    text-overflow: ellipsis;\n  }\n\n  .resonance-status {\n    flex: 1;\n    opacity: 0.85;\n    white-space: nowrap;\n  }\n\n  .resonance-problem {\n    max-width: 60%;\n    max-height: 3em;\n    overflow: auto;\n    font-weight: 600;\n  }\n\n  .resonance-problem:not(:empty)::before {\n    content: '⚠ ';\n  }\n\n  .resonance-layout {\n    position: relative;\n    display: grid;\n    flex: 1;\n    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr) 360px;\n    min-height: 0;\n  }\n\n  .resonance-json {\n    display: flex;\n    flex: 1;\n    flex-direction: column;\n    min-height: 0;\n  }\n\n  .resonance-json > * {\n    flex: 1;\n    min-height: 0;\n  }\n\n  .resonance-toolbar {\n    display: flex;\n    grid-column: 1 / -1;\n    flex-wrap: wrap;\n    align-items: center;\n    gap: 6px 12px;\n    padding: 6px 14px;\n    border-bottom: 1px solid var(--line);\n  }\n\n  .resonance-group {\n    display: flex;\n    align-items: center;\n    gap: 2px;\n  }\n\n  .resonance-icon-button {\n    display: grid;\n    place-items: center;\n    width: 28px;\n    height: 28px;\n    padding: 0;\n    border-color: transparent;\n    background: none;\n    color: inherit;\n  }\n\n  .resonance-icon-button:hover:not([aria-disabled='true']) {\n    background: var(--field);\n    color: var(--ink);\n  }\n\n  .resonance-icon {\n    width: 16px;\n    height: 16px;\n    fill: none;\n    stroke: currentcolor;\n    stroke-width: 1.4;\n    stroke-linecap: round;\n    stroke-linejoin: round;\n  }\n\n  .resonance-left,\n  .resonance-right {\n    display: flex;\n    flex-direction: column;\n    min-width: 0;\n    min-height: 0;\n  }\n\n  .resonance-right {\n    border-left: 1px solid var(--line);\n  }\n\n  .resonance-under {\n    display: flex;\n    flex: none;\n    flex-wrap: wrap;\n    align-items: center;\n    justify-content: space-between;\n    gap: 4px 16px;\n    padding: 4px 14px;\n    border-top: 1px solid var(--line);\n  }\n\n  .resonance-view {\n    display: flex;\n    align-items: center;\n    gap: 14px;\n  }\n\n  .resonance-view label {\n    display: flex;\n    align-items: center;\n    gap: 6px;\n  }\n\n  .resonance-percent {\n    min-width: 4ch;\n    text-align: center;\n  }\n\n  /* The stage */\n\n  .resonance-stage {\n    position: relative;\n    flex: 1;\n    min-height: 0;\n    background: color-mix(in srgb, var(--ground) 60%, #000);\n  }\n\n  .resonance-scroller {\n    position: absolute;\n    inset: 0;\n    overflow: auto;\n    scrollbar-width: thin;\n  }\n\n  .resonance-sheet {\n    display: grid;\n    box-sizing: border-box;\n    place-content: center;\n    width: max-content;\n    min-width: 100%;\n    min-height: 100%;\n    padding: 23px;\n    cursor: crosshair;\n    touch-action: none;\n    user-select: none;\n  }\n\n  .resonance-sheet.panning,\n  .resonance-sheet.panning * {\n    cursor: grab !important;\n  }\n\n  .resonance-sheet > svg {\n    display: block;\n    overflow: visible;\n    background-color: #262626;\n    background-image:\n      linear-gradient(#383838 1px, transparent 1px), linear-gradient(90deg, #383838 1px, transparent 1px);\n    background-size: calc(100% / 90 * 10) calc(100% / 90 * 10);\n    box-shadow: 0 0 0 1px #666;\n  }\n\n  .resonance-sheet.coarse > svg {\n    background-size: calc(100% / 18) calc(100% / 18);\n  }\n\n  .resonance-sheet > svg:focus-visible {\n    outline-offset: 4px;\n  }\n\n  /* Lengths in it are pixels, whatever the aspect and the zoom. */\n  .resonance-undistorted {\n    transform: scale(var(--pixel-x), var(--pixel-y));\n  }\n\n  .resonance-region {\n    outline: none;\n    cursor: move;\n  }\n\n  .resonance-region.locked {\n    cursor: crosshair;\n  }\n\n  .resonance-region svg {\n    overflow: hidden;\n  }\n\n  .resonance-region rect {\n    vector-effect: non-scaling-stroke;\n  }\n\n  .resonance-region .fill {\n    fill: var(--color);\n    fill-opacity: 0.4;\n  }\n\n  .resonance-region .edge {\n    fill: none;\n    stroke: var(--color);\n    stroke-width: 3px;\n    pointer-events: all;\n  }\n\n  .resonance-region.locked .edge {\n    stroke-dasharray: 6 4;\n  }\n\n  .resonance-region[aria-pressed='true'] .fill {\n    fill-opacity: 0.55;\n  }\n\n  .resonance-region[aria-pressed='true'] .edge {\n    stroke: #fff;\n    stroke-width: 4px;\n  }\n\n  .resonance-region:focus-visible .edge {\n    stroke: #fff;\n    stroke-width: 7px;\n  }\n\n  .resonance-region text {\n    fill: #fff;\n    stroke: #000;\n    stroke-width: 3px;\n    stroke-linejoin: round;\n    paint-order: stroke;\n    font-size: 13px;\n    pointer-events: none;\n  }\n\n  .resonance-picture {\n    pointer-events: none;\n  }\n\n  .resonance-picture path {\n    display: none;\n    fill: rgb(0 0 0 / 40%);\n    stroke: #f66;\n    stroke-width: 2px;\n  }\n\n  .resonance-picture.missing image {\n    display: none;\n  }\n\n  .resonance-picture.missing path {\n    display: inline;\n  }\n\n  .resonance-handles .hit {\n    fill: transparent;\n  }\n\n  .resonance-handles .seen {\n    fill: #fff;\n    stroke: #111;\n    stroke-width: 1.5px;\n    pointer-events: none;\n  }\n\n  .resonance-band {\n    fill: rgb(255 255 255 / 12%);\n    stroke: #fff;\n    stroke-width: 1px;\n    stroke-dasharray: 4 3;\n    vector-effect: non-scaling-stroke;\n  }\n\n  /* The list */\n\n  .resonance-list {\n    position: relative;\n    flex: 0 1 auto;\n    max-height: 38%;\n    min-height: 64px;\n    overflow: auto;\n    border-bottom: 1px solid var(--line);\n    scrollbar-width: thin;\n  }\n\n  .resonance-list ol {\n    margin: 0;\n    padding: 6px 8px;\n    list-style: none;\n  }\n\n  .resonance-row {\n    display: flex;\n    align-items: center;\n    border-radius: 6px;\n  }\n\n  .resonance-row:has(> .resonance-row-name[aria-pressed='true']) {\n    background: var(--field);\n    color: var(--ink);\n    box-shadow: inset 3px 0 var(--accent);\n  }\n\n  .resonance-row.dragged {\n    opacity: 0.5;\n  }\n\n  .resonance-row .resonance-row-name {\n    display: flex;\n    flex: 1;\n    align-items: center;\n    gap: 8px;\n    min-width: 0;\n    padding: 4px 6px;\n    border-color: transparent;\n    background: none;\n    color: inherit;\n    text-align: left;\n  }\n\n  .resonance-row.global .resonance-row-name {\n    padding-left: 24px;\n  }\n\n  .resonance-row .words {\n    overflow: hidden;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n  }\n\n  .resonance-swatch {\n    flex: none;\n    width: 14px;\n    height: 14px;\n    border: 1px solid var(--line);\n    border-radius: 4px;\n    background: var(--color);\n  }\n\n  .resonance-grip {\n    display: grid;\n    flex: none;\n    place-items: center;\n    width: 18px;\n    height: 26px;\n    cursor: grab;\n    opacity: 0.6;\n    touch-action: none;\n  }\n\n  .resonance-row .resonance-icon-button {\n    flex: none;\n    width: 26px;\n    height: 26px;\n    opacity: 0.55;\n  }\n\n  .resonance-row .resonance-icon-button:is(:hover, :focus-visible, [aria-pressed='true']) {\n    opacity: 1;\n  }\n\n  .resonance-drop {\n    position: absolute;\n    right: 8px;\n    left: 8px;\n    height: 2px;\n    background: var(--accent);\n    pointer-events: none;\n  }\n\n  .resonance-words {\n    flex: 1;\n    min-height: 0;\n    overflow: auto;\n    scrollbar-width: thin;\n  }\n\n  /* The keys */\n\n  .resonance-help {\n    position: absolute;\n    z-index: 2;\n    inset: 8px 8px 8px auto;\n    width: 480px;\n    padding: 10px 16px;\n    overflow: auto;\n    border: 1px solid var(--line);\n    border-radius: 8px;\n    background: var(--ground);\n    box-shadow: 0 6px 24px rgb(0 0 0 / 40%);\n  }\n\n  .resonance-help h3 {\n    margin: 0 0 8px;\n    font-size: 14px;\n  }\n\n  .resonance-help dl {\n    display: grid;\n    grid-template-columns: auto 1fr;\n    gap: 1px 14px;\n    margin: 0;\n  }\n\n  .resonance-help dd {\n    margin: 0;\n  }\n\n  .resonance-help kbd {\n    padding: 0 5px;\n    border: 1px solid var(--line);\n    border-radius: 4px;\n    font:\n      12px/1.5 ui-monospace,\n      monospace;\n    white-space: nowrap;\n  }\n}\n";
// src/canvas/exchange.ts
var panels = () => import("./exchange_panels-BEKhbznx.mjs");
/** `size` is that of the picture which boxes are measured in. */
function exchange(state, size) {
	addStyle("resonance-words", words_default);
	return h("div", { className: "resonance-exchange" }, panel(t("exchange.import"), async () => (await panels()).importPanel(state, size)), panel(t("exchange.export"), async () => (await panels()).exportPanel(state, size)));
}
/** Opens under its button, and closes with Escape or with a press beside it. */
function panel(name, load) {
	const summary = h("summary", { textContent: name });
	const element = h("details", {}, summary);
	let content;
	const outside = (event) => {
		if (!event.composedPath().includes(element)) element.open = false;
	};
	element.addEventListener("toggle", () => {
		document.removeEventListener("pointerdown", outside, true);
		if (!element.open) return;
		document.addEventListener("pointerdown", outside, true);
		content ??= load().then((loaded) => {
			element.append(loaded);
			return loaded;
		});
		content.then((loaded) => loaded.querySelector("textarea, select")?.focus());
	});
	element.addEventListener("keydown", (event) => {
		if (event.key !== "Escape" || event.isComposing || !element.open) return;
		event.preventDefault();
		event.stopPropagation();
		element.open = false;
		summary.focus();
	});
	return element;
}
// src/canvas/icons.ts
var PATHS = {
	undo: "M6 3 2.5 6.5 6 10M3 6.5h6.5a3.5 3.5 0 0 1 0 7H7",
	redo: "M10 3l3.5 3.5L10 10M13 6.5H6.5a3.5 3.5 0 0 0 0 7H9",
	add: "M8 3v10M3 8h10",
	duplicate: "M6 6h8v8H6zM10 6V2H2v8h4",
	remove: "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9M6.7 7v4M9.3 7v4",
	left: "M2 1.5v13M4.5 3.5h9v3.5h-9zM4.5 9.5h5.500V13h-5.500z",
	center: "M8 1.5v2M8 7v2.500M8 13v1.500M3 3.500h10V7H3zM5 9.500h6V13H5z",
	right: "M14 1.500v13M2.5 3.500h9V7h-9zM6 9.500h5.500V13H6z",
	top: "M1.5 2h13M3.5 4.500H7v9H3.500zM9.5 4.500H13V10H9.500z",
	middle: "M1.5 8h2M7 8h2.500M13 8h1.500M3.5 3H7v10H3.500zM9.5 5H13v6H9.500z",
	bottom: "M1.5 14h13M3.5 2.500H7v9H3.500zM9.5 6H13v5.500H9.500z",
	horizontally: "M1.5 2v12M14.5 2v12M6 4h4v8H6z",
	vertically: "M2 1.500h12M2 14.500h12M4 6h8v4H4z",
	front: "M8 14V5M4.5 8.5 8 5l3.5 3.500M2.5 2h11",
	up: "M8 13.500v-11M4 6.500l4-4 4 4",
	down: "M8 2.500v11M4 9.500l4 4 4-4",
	back: "M8 2v9M4.5 7.5 8 11l3.5-3.500M2.5 14h11",
	locked: "M3.5 7h9v7h-9zM5.5 7V4.500a2.5 2.5 0 0 1 5 0V7",
	unlocked: "M3.5 7h9v7h-9zM5.5 7V4.500a2.5 2.5 0 0 1 4.8-1",
	shown: "M1 8s2.5-4.5 7-4.500S15 8 15 8s-2.5 4.5-7 4.500S1 8 1 8zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
	hidden: "M1 8s2.5-4.5 7-4.500S15 8 15 8s-2.5 4.5-7 4.500S1 8 1 8zM2.5 14 13.5 2",
	closer: "M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14M5 7h4M7 5v4",
	farther: "M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14M5 7h4",
	fit: "M2 6V2h4M14 6V2h-4M2 10v4h4M14 10v4h-4",
	grip: "M6 3v.1M10 3v.1M6 8v.1M10 8v.1M6 13v.1M10 13v.1"
};
function icon(name) {
	return svg("svg", {
		class: "resonance-icon",
		viewBox: "0 0 16 16",
		"aria-hidden": "true"
	}, svg("path", { d: PATHS[name] }));
}
// src/canvas/toolbar.ts
var EDGES = [
	"left",
	"center",
	"right",
	"top",
	"middle",
	"bottom"
];
var AXES = ["horizontally", "vertically"];
var PLACES = [
	"front",
	"up",
	"down",
	"back"
];
/** A button that shows an icon and is called by a text. */
function iconButton(name, text, act, keys = "") {
	const title = keys ? `${text} (${keys})` : text;
	return h("button", {
		type: "button",
		className: "resonance-icon-button",
		title,
		ariaLabel: text,
		onclick: act
	}, icon(name));
}
/** Undo, new, align and so on. */
function toolbar(state, { run, create, undo, redo }, ...more) {
	const some = ({ selected }) => locals(selected).length > 0;
	const free = ({ canvas, selected }) => locals(selected).some((number) => !canvas.regions[number]?.locked);
	const button = (name, act, usable, keys = "") => ({
		element: iconButton(name, t(`editor.tools.${name}`), act, keys),
		usable
	});
	const groups = [
		[button("undo", undo, () => state.canUndo, "Ctrl+Z"), button("redo", redo, () => state.canRedo, "Ctrl+Y")],
		[
			button("add", create, () => true, "N"),
			button("duplicate", () => run(duplicate), some, "Ctrl+D"),
			button("remove", () => run(remove, t("editor.said.removed")), free, "Delete")
		],
		PLACES.map((to, i) => button(to, () => run((...now) => reorder(...now, to)), some, [
			"Shift+]",
			"]",
			"[",
			"Shift+["
		][i])),
		EDGES.map((edge) => button(edge, () => run((...now) => align(...now, edge)), free)),
		AXES.map((axis) => button(axis, () => run((...now) => distribute(...now, axis)), ({ selected }) => locals(selected).length > 2))
	];
	const update = () => {
		for (const { element, usable } of groups.flat()) element.setAttribute("aria-disabled", String(!usable(state)));
	};
	let seen = [state.canvas, state.selected];
	state.subscribe(() => {
		if (seen[0] === state.canvas && seen[1] === state.selected) return;
		seen = [state.canvas, state.selected];
		update();
	});
	update();
	return h("div", {
		className: "resonance-toolbar",
		role: "toolbar",
		ariaLabel: t("editor.tools.title")
	}, ...groups.map((buttons) => h("div", { className: "resonance-group" }, ...buttons.map(({ element }) => element))), ...more);
}
/** Cells that edges snap to, and the zoom. */
function viewControls(view, stage) {
	const snapping = h("input", {
		type: "checkbox",
		onchange: () => view.set({ snap: snapping.checked ? 5 : 1 })
	});
	const percent = h("output", {
		className: "resonance-percent",
		ariaLabel: t("editor.tools.zoom")
	});
	const update = () => {
		snapping.checked = view.view.snap === 5;
		percent.textContent = `${Math.round(view.view.zoom * 100)}%`;
	};
	view.subscribe(update);
	update();
	return h("div", { className: "resonance-view" }, h("label", { title: t("editor.tools.snap_help") }, snapping, t("editor.tools.snap")), h("div", { className: "resonance-group" }, iconButton("farther", t("editor.tools.farther"), () => stage.zoom(view.view.zoom / 1.25), "-"), percent, iconButton("closer", t("editor.tools.closer"), () => stage.zoom(view.view.zoom * 1.25), "+"), iconButton("fit", t("editor.tools.fit"), () => stage.zoom(1), "0")));
}
// src/canvas/list.ts
var TREMBLE$1 = 4;
function list(state, { run }) {
	const rows = [];
	const ground = h("button", {
		type: "button",
		className: "resonance-row-name",
		textContent: t("editor.global"),
		onclick: () => state.select([0])
	});
	const last = h("li", { className: "resonance-row global" }, ground);
	const line = h("div", {
		className: "resonance-drop",
		hidden: true
	});
	const rowsList = h("ol", { ariaLabel: t("editor.list") }, last);
	const element = h("div", { className: "resonance-list" }, rowsList, line);
	let canvas = null;
	let selected = [];
	function make(number) {
		const name = h("span", { className: "words" });
		const button = h("button", {
			type: "button",
			className: "resonance-row-name",
			onclick: (event) => choose(number, event)
		}, h("span", { className: "resonance-swatch" }), name);
		const flip = (key) => () => run((now, chosen) => ({
			canvas: change(now, [number], (region) => ({ [key]: !region[key] })),
			selected: chosen
		}));
		const lock = iconButton("unlocked", t("editor.lock"), flip("locked"));
		const hide = iconButton("shown", t("editor.hide"), flip("hidden"));
		const grip = h("span", { className: "resonance-grip" }, icon("grip"));
		const item = h("li", { className: "resonance-row" }, grip, button, hide, lock);
		item.addEventListener("pointerdown", (event) => drag(event, number, item));
		rowsList.prepend(item);
		return {
			element: item,
			button,
			name,
			lock,
			hide
		};
	}
	function choose(number, event) {
		const others = state.selected.filter((other) => other > 0 && other !== number);
		if (event.shiftKey) extend(number);
		else if (!event.ctrlKey && !event.metaKey) state.select([number]);
		else if (!state.selected.includes(number)) state.select([...others, number]);
		else state.select(others.length ? others : [0]);
	}
	/** From what was selected last to here. */
	function extend(number) {
		const from = state.selected.at(-1) || number;
		const step = number < from ? -1 : 1;
		const between = Array.from({ length: Math.abs(number - from) + 1 }, (_, i) => from + i * step);
		state.select([...state.selected.filter((other) => other > 0 && !between.includes(other)), ...between]);
	}
	function update() {
		if (canvas === state.canvas && selected === state.selected) return;
		const within = rowsList.contains(document.activeElement);
		const moved = selected !== state.selected;
		canvas = state.canvas;
		selected = state.selected;
		const count = canvas.regions.length - 1;
		while (rows.length < count) rows.push(make(rows.length + 1));
		for (const row of rows.splice(count)) row.element.remove();
		rows.forEach((row, i) => fill(row, i + 1));
		ground.ariaPressed = String(selected.includes(0));
		const primary = selected.at(-1) ?? 0;
		ground.tabIndex = primary === 0 ? 0 : -1;
		const button = rows[primary - 1]?.button ?? ground;
		if (moved) button.scrollIntoView?.({ block: "nearest" });
		if (within && (moved || !rowsList.contains(document.activeElement))) button.focus();
	}
	function fill({ element, button, name, lock, hide }, number) {
		const region = canvas?.regions[number];
		if (!canvas || !region) return;
		const words = label(canvas, number) || t("editor.unnamed");
		element.style.setProperty("--color", hex(region.color));
		showText(name, `${number} ${words}`);
		button.ariaPressed = String(selected.includes(number));
		const reachable = selected.at(-1) === number ? 0 : -1;
		for (const part of [
			button,
			lock,
			hide
		]) part.tabIndex = reachable;
		show(lock, region.locked, t("editor.lock_of", { name: words }), "locked", "unlocked");
		show(hide, region.hidden, t("editor.hide_of", { name: words }), "hidden", "shown");
	}
	function show(button, on, text, yes, no) {
		button.ariaLabel = button.title = text;
		if (button.ariaPressed === String(on)) return;
		button.ariaPressed = String(on);
		button.replaceChildren(icon(on ? yes : no));
	}
	function drag(event, number, item) {
		if (event.button !== 0 || event.target.closest(".resonance-icon-button")) return;
		if (event.pointerType === "touch" && !event.target.closest(".resonance-grip")) return;
		const stop = new AbortController();
		let target = null;
		const finish = () => {
			stop.abort();
			item.classList.remove("dragged");
			line.hidden = true;
		};
		const listen = (type, act) => document.addEventListener(type, act, {
			signal: stop.signal,
			capture: true
		});
		listen("pointermove", (moved) => {
			const { clientX, clientY, pointerId } = moved;
			if (target === null && Math.hypot(clientX - event.clientX, clientY - event.clientY) < TREMBLE$1) return;
			rowsList.setPointerCapture(pointerId);
			item.classList.add("dragged");
			target = aim(clientY, number);
		});
		listen("pointerup", () => {
			const to = target;
			finish();
			if (to !== null) run((now) => reorder(now, [number], to));
		});
		listen("pointercancel", finish);
		listen("keydown", (pressed) => {
			if (pressed.key !== "Escape") return;
			pressed.preventDefault();
			pressed.stopPropagation();
			finish();
		});
	}
	/** The number that a region gets when it is dropped at a height of the page. Shows the line where that is. */
	function aim(clientY, number) {
		const boxes = rows.map(({ element: row }) => row.getBoundingClientRect());
		const above = boxes.filter(({ top, height }) => top + height / 2 < clientY).length;
		const at = boxes.length - above;
		const box = boxes[at] ?? boxes[at - 1];
		line.hidden = false;
		if (box) line.style.top = `${(boxes[at] ? box.bottom : box.top) - element.getBoundingClientRect().top + element.scrollTop - 1}px`;
		return at < number ? at + 1 : at;
	}
	rowsList.addEventListener("keydown", (event) => {
		const step = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
		if (!step || event.ctrlKey || event.metaKey) return;
		event.preventDefault();
		const primary = state.selected.at(-1) ?? 0;
		const place = step > 0 ? "up" : "down";
		if (event.altKey) return run((...now) => reorder(...now, place));
		const next = primary + step;
		if (next < 0 || next >= state.canvas.regions.length) return;
		if (event.shiftKey && next > 0) extend(next);
		else state.select([next]);
	});
	state.subscribe(update);
	update();
	return element;
}
// src/canvas/pointer.ts
/** Pixels that a pointer may tremble in a click. */
var TREMBLE = 4;
function pointer(state, view, stage, { run }) {
	const { sheet, point } = stage;
	const fingers = /* @__PURE__ */ new Map();
	let gesture = null;
	let panning = false;
	/** Shows what a drag leads to, and makes it a step at its end. */
	function drag(start, lead, click) {
		const from = point(start);
		let moved = false;
		let result = null;
		return {
			move(event) {
				moved ||= Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) >= TREMBLE;
				if (!moved) return;
				result = lead(from, point(event), event.altKey ? 1 : view.view.snap);
				state.preview(result?.canvas ?? null);
			},
			end() {
				const found = result;
				if (found) run(() => found);
				state.preview(null);
				if (!moved) click();
			},
			abort: () => state.preview(null)
		};
	}
	/** A drag that changes rectangles of the canvas. Positions that lead to the same cells give the same canvas. */
	function reshape(start, numbers, rects, click) {
		const { canvas } = state;
		const before = String(numbers.map((number) => canvas.regions[number]?.rect));
		let last = before;
		let shown = canvas;
		return drag(start, (from, to, step) => {
			const found = rects({
				x: to.x - from.x,
				y: to.y - from.y
			}, step);
			if (String(found) !== last) {
				last = String(found);
				shown = setRects(canvas, new Map(numbers.map((number, i) => [number, found[i]])));
			}
			return last === before ? null : {
				canvas: shown,
				selected: state.selected
			};
		}, click);
	}
	function draw(event, click) {
		let last = "";
		let result = null;
		return drag(event, (from, to, step) => {
			const rect = between(from, to, step);
			if (String(rect) !== last) result = add(state.canvas, rect);
			last = String(rect);
			return result;
		}, click);
	}
	function frame(event, click) {
		const from = point(event);
		let found = null;
		return {
			move(event) {
				const to = point(event);
				const rect = [
					Math.min(from.y, to.y),
					Math.max(from.y, to.y),
					Math.min(from.x, to.x),
					Math.max(from.x, to.x)
				];
				stage.band(rect);
				found = state.canvas.regions.flatMap((region, number) => number && !region.hidden && overlap(region.rect, rect) ? [number] : []);
			},
			end() {
				stage.band(null);
				if (!found) click();
				else if (found.length) state.select([.../* @__PURE__ */ new Set([...state.selected.filter((number) => number > 0), ...found])]);
			},
			abort: () => stage.band(null)
		};
	}
	function pan(start) {
		let last = start;
		return {
			move(event) {
				stage.pan(event.clientX - last.clientX, event.clientY - last.clientY);
				last = event;
			},
			end: () => {},
			abort: () => {}
		};
	}
	function pinch() {
		const measure = () => {
			const [one, other] = [...fingers.values()];
			return {
				center: {
					x: (one.clientX + other.clientX) / 2,
					y: (one.clientY + other.clientY) / 2
				},
				distance: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)
			};
		};
		const { zoom } = view.view;
		const { distance } = measure();
		let last = measure().center;
		return {
			move() {
				const now = measure();
				stage.pan(now.center.x - last.x, now.center.y - last.y);
				stage.zoom(zoom * now.distance / distance, now.center);
				last = now.center;
			},
			end: () => {},
			abort: () => {}
		};
	}
	function press(event) {
		if (event.button === 1 || panning) return pan(event);
		if (event.button !== 0) return null;
		const target = event.target;
		const handle = target.closest("[data-handle]")?.dataset["handle"];
		const number = Number(target.closest("[data-region]")?.dataset["region"] ?? 0);
		const primary = state.selected.at(-1) ?? 0;
		if (handle) {
			const { rect } = state.canvas.regions[primary];
			return reshape(event, [primary], (by, step) => [resize(rect, handle, by, step)], () => {});
		}
		const many = event.shiftKey || event.ctrlKey || event.metaKey;
		const select = () => {
			if (!many) state.select([number]);
			else if (number) toggle(number);
		};
		const locked = state.canvas.regions[number]?.locked;
		if (!number || locked) return event.shiftKey ? frame(event, select) : draw(event, select);
		const alone = !state.selected.includes(number);
		if (many) toggle(number);
		else if (alone) state.select([number]);
		else if (primary !== number) state.select([...state.selected.filter((other) => other !== number), number]);
		const numbers = movable(state.canvas, state.selected);
		const rects = numbers.map((moved) => state.canvas.regions[moved].rect);
		const { rect } = state.canvas.regions[number];
		return reshape(event, numbers, (by, step) => move(rects, rect, by, step), () => !many && state.selected.length > 1 && state.select([number]));
	}
	function toggle(number) {
		const others = state.selected.filter((other) => other > 0 && other !== number);
		const selected = state.selected.includes(number) ? others : [...others, number];
		state.select(selected.length ? selected : [0]);
	}
	function finish(how) {
		const finished = gesture;
		gesture = null;
		finished?.[how]();
		return finished !== null;
	}
	sheet.addEventListener("mousedown", (event) => event.preventDefault());
	sheet.addEventListener("pointerdown", (event) => {
		fingers.set(event.pointerId, event);
		sheet.setPointerCapture(event.pointerId);
		finish("abort");
		if (fingers.size === 1) gesture = press(event);
		else if (fingers.size === 2) gesture = pinch();
		stage.focus();
	});
	sheet.addEventListener("pointermove", (event) => {
		if (!fingers.has(event.pointerId)) return;
		fingers.set(event.pointerId, event);
		gesture?.move(event);
	});
	sheet.addEventListener("pointerup", (event) => {
		fingers.delete(event.pointerId);
		finish("end");
	});
	sheet.addEventListener("pointercancel", (event) => {
		fingers.delete(event.pointerId);
		finish("abort");
	});
	const hold = (held) => {
		panning = held;
		sheet.classList.toggle("panning", held);
	};
	stage.element.addEventListener("keydown", (event) => {
		if (event.key !== " ") return;
		event.preventDefault();
		hold(true);
	});
	stage.element.addEventListener("keyup", (event) => event.key === " " && hold(false));
	stage.element.addEventListener("focusout", (event) => {
		if (!stage.element.contains(event.relatedTarget)) hold(false);
	});
	return { abort: () => finish("abort") };
}
// src/canvas/source.ts
/** `text` and `problem`: what could not be read at opening, and why; both empty if there is no such thing. */
function source(state, text, problem) {
	const element = h("div", { className: "resonance-source-host" });
	let loading = false;
	let loaded;
	return {
		element,
		problem: () => loaded ? loaded.problem() : problem,
		shown() {
			loaded?.shown();
			if (loading) return;
			loading = true;
			import("./source_text-B96qJs-g.mjs").then((n) => n.t).then(({ sourceText }) => {
				loaded = sourceText(state, text, problem);
				element.append(loaded.element);
				loaded.shown();
			});
		}
	};
}
// src/canvas/editor.ts
/** Opens the editor. It is gone when its dialog closes. */
function openEditor(opening) {
	addStyle("resonance-editor", editor_default);
	const state = new State(opening.canvas);
	const view = new ViewState({
		aspect: opening.width / opening.height,
		zoom: 1,
		snap: opening.snap,
		background: null,
		heat: null
	});
	const before = write(opening.canvas);
	const status = h("p", {
		className: "resonance-status",
		role: "status"
	});
	const problem = h("p", {
		className: "resonance-problem",
		role: "alert"
	});
	const say = (text) => void (status.textContent = text);
	const warn = (text) => void (problem.textContent = text);
	const act = actions(state, say);
	const drawing = stage(state, view);
	const dragging = pointer(state, view, drawing, act);
	const json = source(state, opening.text, opening.problem);
	const words = h("div", { className: "resonance-words" });
	const put = (file, number) => void putPicture(state, number, file, say, warn);
	dropTarget(drawing.sheet, state, put);
	import("./form-Dv-7UDN4.mjs").then(({ form }) => words.append(form(state, put)));
	const keyList = help();
	const helpButton = h("button", {
		type: "button",
		textContent: "?",
		title: t("editor.help.title"),
		onclick: () => toggleHelp()
	});
	helpButton.setAttribute("aria-label", t("editor.help.title"));
	helpButton.setAttribute("aria-controls", keyList.id);
	helpButton.ariaExpanded = "false";
	const panels = {
		layout: h("div", { className: "resonance-layout" }, toolbar(state, act, exchange(state, {
			width: opening.width,
			height: opening.height
		})), h("div", { className: "resonance-left" }, drawing.element, h("div", { className: "resonance-under" }, viewControls(view, drawing), backgroundControls(view, opening.pictures, state))), h("div", { className: "resonance-right" }, list(state, act), words), keyList),
		json: h("div", { className: "resonance-json" }, json.element)
	};
	const { bar, show, shown } = tabs(panels, (tab) => {
		if (tab === "json") json.shown();
	});
	const title = h("h2", {
		id: "resonance-editor-title",
		textContent: opening.title
	});
	const dialog = h("dialog", {
		className: "resonance-editor",
		tabIndex: -1
	}, h("header", {}, title, bar, helpButton), panels.layout, panels.json, h("footer", {}, status, problem, h("button", {
		type: "button",
		textContent: t("editor.cancel"),
		onclick: () => leave()
	}), h("button", {
		type: "button",
		className: "primary",
		textContent: t("editor.save"),
		title: "Ctrl+S",
		onclick: () => save()
	})));
	dialog.setAttribute("aria-labelledby", title.id);
	const active = () => shown() === "layout";
	let asked = false;
	function save() {
		const wrong = json.problem();
		if (wrong) return warn(t("editor.json_problem", { problem: wrong }));
		const text = write(state.canvas);
		try {
			if (text !== before || opening.problem) opening.save(text);
		} catch (error) {
			return warn(error.message);
		}
		dialog.close();
	}
	function leave() {
		const typed = json.problem() !== opening.problem;
		if (asked || !typed && write(state.canvas) === before) return dialog.close();
		asked = true;
		warn(t("editor.unsaved"));
	}
	function escape() {
		if (dragging.abort()) return;
		if (!keyList.hidden) return toggleHelp();
		leave();
	}
	function toggleHelp() {
		keyList.hidden = !keyList.hidden;
		helpButton.ariaExpanded = String(!keyList.hidden);
		if (!keyList.hidden) show("layout");
	}
	let heard = "";
	state.subscribe(() => {
		if (state.shown !== state.canvas) return;
		asked = false;
		warn("");
		const news = JSON.stringify([state.selected, state.selected.map((number) => state.canvas.regions[number]?.rect)]);
		if (news !== heard) say(summary(state));
		heard = news;
	});
	dialog.addEventListener("keydown", keys(state, view, drawing, act, {
		active,
		save,
		escape,
		help: toggleHelp,
		words: () => words.querySelector("textarea, input")?.focus()
	}));
	for (const type of ["pointermove", "mousemove"]) dialog.addEventListener(type, (event) => event.stopPropagation());
	for (const type of ["dragover", "drop"]) dialog.addEventListener(type, (event) => {
		event.stopPropagation();
		if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
	});
	clipboard(dialog, state, act, say, active);
	dialog.addEventListener("cancel", (event) => {
		event.preventDefault();
		escape();
	});
	dialog.addEventListener("close", () => {
		drawing.stop();
		dialog.remove();
	});
	document.body.append(dialog);
	dialog.showModal();
	show(opening.problem ? "json" : "layout");
	warn(opening.note);
	if (active()) drawing.focus();
	return dialog;
}
function tabs(panels, opened) {
	const names = ["layout", "json"];
	let now = "layout";
	const buttons = names.map((name) => {
		const button = h("button", {
			type: "button",
			role: "tab",
			id: `resonance-tab-${name}`,
			textContent: t(`editor.tabs.${name}`),
			onclick: () => show(name)
		});
		button.setAttribute("aria-controls", `resonance-panel-${name}`);
		Object.assign(panels[name], {
			id: `resonance-panel-${name}`,
			role: "tabpanel"
		}).setAttribute("aria-labelledby", button.id);
		return button;
	});
	function show(tab) {
		now = tab;
		names.forEach((name, i) => {
			const button = buttons[i];
			button.ariaSelected = String(name === tab);
			button.tabIndex = name === tab ? 0 : -1;
			panels[name].hidden = name !== tab;
		});
		opened(tab);
	}
	const bar = h("div", {
		className: "resonance-tabs",
		role: "tablist",
		ariaLabel: t("editor.tabs.title")
	}, ...buttons);
	bar.addEventListener("keydown", (event) => {
		if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
		event.preventDefault();
		const other = names[1 - names.indexOf(now)];
		show(other);
		buttons[names.indexOf(other)].focus();
	});
	return {
		bar,
		show,
		shown: () => now
	};
}
export { openEditor };
