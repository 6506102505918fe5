import { x as h } from "./resonance.js";
import { f as WHOLE, h as ownPrefixes, u as EMPTY } from "./effective-CUuSsUpo.mjs";
// src/canvas/geometry.ts
var HANDLES = [
	"nw",
	"n",
	"ne",
	"e",
	"se",
	"s",
	"sw",
	"w"
];
/** The nearest line of the grid that is a multiple of `step`. */
function snap(value, step) {
	return clamp(Math.round(value / step) * step, 0, 90);
}
function clamp(value, low, high) {
	return Math.min(high, Math.max(low, value));
}
/** The smallest rectangle that holds them all. */
function bounds(rects) {
	return [
		Math.min(...rects.map((rect) => rect[0])),
		Math.max(...rects.map((rect) => rect[1])),
		Math.min(...rects.map((rect) => rect[2])),
		Math.max(...rects.map((rect) => rect[3]))
	];
}
/** Moved by whole cells. */
function shift([top, bottom, left, right], down, across) {
	return [
		top + down,
		bottom + down,
		left + across,
		right + across
	];
}
/** How far rectangles can go together without leaving the grid. */
function reach(rects, down, across) {
	const [top, bottom, left, right] = bounds(rects);
	return [clamp(down, -top, 90 - bottom), clamp(across, -left, 90 - right)];
}
/** Moves rectangles together by a distance in cells; the upper left corner of `lead` snaps. */
function move(rects, lead, by, step) {
	const snapped = (edge, distance) => Math.abs(distance) < .5 ? 0 : snap(edge + distance, step) - edge;
	const [down, across] = reach(rects, snapped(lead[0], by.y), snapped(lead[2], by.x));
	return rects.map((rect) => shift(rect, down, across));
}
/** Moves the edges that a handle holds by a distance in cells. They snap, and stop a cell before the opposite edge. */
function resize([top, bottom, left, right], handle, by, step) {
	const snapped = (edge, distance) => Math.abs(distance) < .5 ? edge : snap(edge + distance, step);
	return [
		handle.includes("n") ? Math.min(snapped(top, by.y), bottom - 1) : top,
		handle.includes("s") ? Math.max(snapped(bottom, by.y), top + 1) : bottom,
		handle.includes("w") ? Math.min(snapped(left, by.x), right - 1) : left,
		handle.includes("e") ? Math.max(snapped(right, by.x), left + 1) : right
	];
}
/** The rectangle between two points, at least a step wide and high. */
function between(from, to, step) {
	const range = (start, end) => {
		const low = Math.min(snap(Math.min(start, end), step), 90 - step);
		return [low, Math.max(snap(Math.max(start, end), step), low + step)];
	};
	return [...range(from.y, to.y), ...range(from.x, to.x)];
}
function overlap(one, other) {
	return one[0] < other[1] && other[0] < one[1] && one[2] < other[3] && other[2] < one[3];
}
// src/canvas/commands.ts
var COLORS = [
	[
		88,
		166,
		255
	],
	[
		255,
		166,
		87
	],
	[
		126,
		211,
		102
	],
	[
		247,
		120,
		186
	],
	[
		188,
		140,
		255
	],
	[
		242,
		204,
		96
	],
	[
		86,
		212,
		221
	],
	[
		255,
		123,
		114
	],
	[
		170,
		190,
		110
	],
	[
		150,
		150,
		240
	]
];
var OFFSET = 5;
/** The selected regions without the global one, far to near. */
function locals(selected) {
	return selected.filter((number) => number > 0).sort((one, other) => one - other);
}
/** Those of the selected regions that can be moved. */
function movable(canvas, selected) {
	return locals(selected).filter((number) => !canvas.regions[number]?.locked);
}
/** Changes some regions. What stays as it was stays the same object, and so does a canvas that stays as it was. */
function change(canvas, numbers, changed) {
	const regions = canvas.regions.map((region, number) => {
		if (!numbers.includes(number)) return region;
		const next = {
			...region,
			...changed(region, number)
		};
		return Object.keys(next).every((key) => next[key] === region[key] || JSON.stringify(next[key]) === JSON.stringify(region[key])) ? region : next;
	});
	if (regions.every((region, number) => region === canvas.regions[number])) return canvas;
	return {
		...canvas,
		regions
	};
}
function setRects(canvas, rects) {
	return change(canvas, [...rects.keys()], (region, number) => ({ rect: rects.get(number) ?? region.rect }));
}
/** A new region in front. It begins as every region does, and has the color that was used least. */
function add(canvas, rect) {
	const uses = COLORS.map((color) => canvas.regions.filter((region) => String(region.color) === String(color)).length);
	const color = COLORS[uses.indexOf(Math.min(...uses))] ?? EMPTY.color;
	return append(canvas, [{
		...EMPTY,
		rect,
		color,
		prefixes: canvas.regions[0].prefixes
	}]);
}
function remove(canvas, selected) {
	const gone = movable(canvas, selected);
	if (!gone.length) return {
		canvas,
		selected
	};
	const [first, ...others] = canvas.regions;
	const regions = [first, ...others.filter((_, i) => !gone.includes(i + 1))];
	const next = Math.min(gone[0] ?? 0, regions.length - 1);
	return {
		canvas: {
			...canvas,
			regions
		},
		selected: [next]
	};
}
/** Copies in front, a little off. They can be moved even if what they come from cannot. */
function duplicate(canvas, selected) {
	return append(canvas, aside(locals(selected).flatMap((number) => canvas.regions[number] ?? [])));
}
/** The regions of another canvas, in front. What they shared with its global region they now share with ours. */
function paste(canvas, pasted) {
	const taken = (region) => canvas.regions.some(({ rect }) => String(rect) === String(region.rect));
	const regions = pasted.regions.slice(1).map((region) => ({
		...region,
		prefixes: [...canvas.regions[0].prefixes, ...ownPrefixes(pasted, region)]
	}));
	return append(canvas, regions.some(taken) ? aside(regions) : regions);
}
/** The selected regions as a canvas of their own. */
function extract(canvas, selected) {
	const regions = locals(selected).flatMap((number) => canvas.regions[number] ?? []);
	return {
		regions: [canvas.regions[0], ...regions],
		origin: ""
	};
}
/** Moves by whole cells, all by as much as the one that first meets the border. */
function nudge(canvas, selected, down, across) {
	const numbers = movable(canvas, selected);
	const [y, x] = reach(rectsOf(canvas, numbers), down, across);
	if (!numbers.length || !x && !y) return {
		canvas,
		selected
	};
	return {
		canvas: change(canvas, numbers, ({ rect }) => ({ rect: shift(rect, y, x) })),
		selected
	};
}
/** Moves the lower and the right edge by whole cells. */
function stretch(canvas, selected, down, across) {
	const numbers = movable(canvas, selected);
	if (!numbers.length) return {
		canvas,
		selected
	};
	const by = {
		x: across,
		y: down
	};
	return {
		canvas: change(canvas, numbers, ({ rect }) => ({ rect: resize(rect, "se", by, 1) })),
		selected
	};
}
/** To the bounds of what is selected, or of the picture if that is one region. */
function align(canvas, selected, edge) {
	const numbers = locals(selected);
	const moved = movable(canvas, selected);
	if (!moved.length) return {
		canvas,
		selected
	};
	const [top, bottom, left, right] = numbers.length > 1 ? bounds(rectsOf(canvas, numbers)) : WHOLE;
	const offset = ([t, b, l, r]) => {
		if (edge === "left") return [0, left - l];
		if (edge === "right") return [0, right - r];
		if (edge === "center") return [0, Math.round((left + right - l - r) / 2)];
		if (edge === "top") return [top - t, 0];
		if (edge === "bottom") return [bottom - b, 0];
		return [Math.round((top + bottom - t - b) / 2), 0];
	};
	return {
		canvas: change(canvas, moved, ({ rect }) => ({ rect: shift(rect, ...offset(rect)) })),
		selected
	};
}
/** Equal gaps between three regions or more; the outermost stay. */
function distribute(canvas, selected, axis) {
	const [low, high] = axis === "vertically" ? [0, 1] : [2, 3];
	const boxes = locals(selected).map((number) => ({
		number,
		rect: canvas.regions[number]?.rect ?? WHOLE
	})).sort((one, other) => one.rect[low] + one.rect[high] - other.rect[low] - other.rect[high]);
	if (boxes.length < 3) return {
		canvas,
		selected
	};
	const edges = bounds(boxes.map(({ rect }) => rect));
	const filled = boxes.reduce((sum, { rect }) => sum + rect[high] - rect[low], 0);
	const gap = (edges[high] - edges[low] - filled) / (boxes.length - 1);
	let next = edges[low];
	const rects = /* @__PURE__ */ new Map();
	for (const { number, rect } of boxes) {
		const by = Math.round(next) - rect[low];
		if (!canvas.regions[number]?.locked) rects.set(number, axis === "vertically" ? shift(rect, by, 0) : shift(rect, 0, by));
		next += rect[high] - rect[low] + gap;
	}
	return {
		canvas: setRects(canvas, rects),
		selected
	};
}
/** What covers what. A number is the one that the farthest of the selected regions gets. */
function reorder(canvas, selected, to) {
	const numbers = locals(selected);
	const [lowest, highest] = [numbers[0], numbers.at(-1)];
	if (lowest === void 0 || highest === void 0) return {
		canvas,
		selected
	};
	const moved = numbers.flatMap((number) => canvas.regions[number] ?? []);
	const [first, ...others] = canvas.regions;
	const rest = others.filter((_, i) => !numbers.includes(i + 1));
	const wanted = to === "front" ? rest.length : to === "back" ? 0 : to === "up" ? highest - moved.length + 1 : to === "down" ? lowest - 2 : to - 1;
	const at = Math.min(rest.length, Math.max(0, wanted));
	const regions = [
		first,
		...rest.slice(0, at),
		...moved,
		...rest.slice(at)
	];
	const numbersNow = moved.map((_, i) => at + i + 1);
	if (regions.every((region, i) => region === canvas.regions[i])) return {
		canvas,
		selected
	};
	return {
		canvas: {
			...canvas,
			regions
		},
		selected: selected.map((number) => numbersNow[numbers.indexOf(number)] ?? 0)
	};
}
/** Locks or hides what is selected; undoes that if all of it is so. */
function toggle(canvas, selected, key) {
	const numbers = locals(selected);
	if (!numbers.length) return {
		canvas,
		selected
	};
	const value = !numbers.every((number) => canvas.regions[number]?.[key]);
	return {
		canvas: change(canvas, numbers, () => ({ [key]: value })),
		selected
	};
}
/** Local regions whose prefixes begin with the old global ones follow. */
function setGlobalPrefixes(canvas, prefixes) {
	const old = canvas.regions[0].prefixes;
	return change(canvas, canvas.regions.flatMap(({ prefixes: own }, number) => old.every((text, i) => own[i] === text) ? [number] : []), (region) => ({ prefixes: [...prefixes, ...region.prefixes.slice(old.length)] }));
}
function append(canvas, regions) {
	const selected = regions.map((_, i) => canvas.regions.length + i);
	return {
		canvas: {
			...canvas,
			regions: [...canvas.regions, ...regions]
		},
		selected
	};
}
/** Off by a few cells, to the lower right where there is room. */
function aside(regions) {
	const rects = regions.map(({ rect }) => rect);
	if (!rects.length) return [];
	const [down, across] = reach(rects, OFFSET, OFFSET);
	const [up, back] = reach(rects, -5, -5);
	return regions.map((region) => ({
		...region,
		locked: false,
		rect: shift(region.rect, down || up, across || back)
	}));
}
function rectsOf(canvas, numbers) {
	return numbers.flatMap((number) => canvas.regions[number] ? [canvas.regions[number].rect] : []);
}
// src/canvas/field.ts
var controls = 0;
/** A control under its name. */
function labeled(name, control) {
	control.id = `resonance-field-${controls += 1}`;
	return h("div", { className: "field" }, h("label", {
		htmlFor: control.id,
		textContent: name
	}), control);
}
/** Controls under a common name. */
function group(name, ...children) {
	return h("fieldset", {}, h("legend", { textContent: name }), ...children);
}
function button(text, name, onclick) {
	return h("button", {
		type: "button",
		textContent: text,
		title: name,
		ariaLabel: name,
		onclick
	});
}
function show(control, value, forced) {
	if (control.value === value || !forced && document.activeElement === control) return;
	control.value = value;
}
/** A box for a number. What lies outside its limits is moved to the nearest of them, and what is no number changes nothing. */
function numberField(limits, step, change) {
	const [low, high] = limits;
	const input = h("input", {
		type: "number",
		min: String(low),
		max: String(high),
		step: String(step)
	});
	input.addEventListener("input", () => {
		const value = input.valueAsNumber;
		if (Number.isFinite(value)) change(clamp(step === 1 ? Math.round(value) : value, low, high));
	});
	return {
		input,
		show: (value, forced) => show(input, String(value), forced)
	};
}
export { between as C, resize as D, overlap as E, HANDLES as S, move as T, reorder as _, show as a, stretch as b, change as c, extract as d, locals as f, remove as g, paste as h, numberField as i, distribute as l, nudge as m, group as n, add as o, movable as p, labeled as r, align as s, button as t, duplicate as u, setGlobalPrefixes as v, clamp as w, toggle as x, setRects as y };
