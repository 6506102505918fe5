import { H as t, I as outputOf, k as ask } from "./resonance.js";
/** Most letters of the name of a picture, as in resonance/canvas/listing.py. */
var LONGEST_NAME = 1024;
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
	loras: [],
	picture: null,
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
	"picture",
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
		loras: loras(take("lora", null, `{"file": name of a file, "strength": a number}, or a list of at most 8 of these`, isLoras)),
		picture: picture(take("picture", null, `{"file": name of a picture in ComfyUI's input folder, "strength": a number from 0 to 2}`, isPicture)),
		locked: locked === true,
		hidden: hidden === true
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
	const { rect, prefixes, suffixes, color, loras, locked, hidden, extra, ...optional } = region;
	const item = {
		rect,
		prefixes,
		suffixes,
		color
	};
	for (const [key, value] of Object.entries(optional)) if (value !== EMPTY[key]) item[key] = value;
	if (loras.length) item["lora"] = loras.length > 1 ? loras : loras[0];
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
/** One alone need not be in a list, as older canvases have it. */
function isLoras(value) {
	return isLora(value) || Array.isArray(value) && value.length <= 8 && value.every(isLora);
}
function loras(value) {
	return (value === null ? [] : "file" in value ? [value] : value).map(({ file, strength }) => ({
		file,
		strength: strength ?? 1
	}));
}
function isPicture(value) {
	if (typeof value !== "object" || value === null) return false;
	const { file, strength } = value;
	return isText(file) && inInputFolder(file) !== null && (strength === void 0 || isWithin(strength, 0, 2));
}
function picture(value) {
	return value && {
		file: inInputFolder(value.file),
		strength: value.strength ?? 1
	};
}
/** The name of a file below ComfyUI's input folder, without the mark that Load Image may put behind it; null: it is no such name. */
function inInputFolder(value) {
	const name = value.replace(/ ?\[input\]$/, "").replaceAll("\\", "/");
	const leadsOut = /^[a-z]:/i.test(name) || name.split("/").some((part) => [
		"",
		".",
		".."
	].includes(part));
	const strange = /\0|\[(input|output|temp)\]$/.test(name) || name.length > LONGEST_NAME || !name.trim();
	return leadsOut || strange ? null : name;
}
function isLora(value) {
	if (typeof value !== "object" || value === null) return false;
	const { file, strength } = value;
	return isText(file) && file.trim() !== "" && (strength === void 0 || isWithin(strength, -100, 100));
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
export { read as _, stored as a, BLANK as c, LETTERS as d, WHOLE as f, plain as g, ownPrefixes as h, sizeOf as i, CanvasError as l, label as m, hasUpstream as n, textOf as o, hex as p, isLinked as r, widgetOf as s, effectiveOf as t, EMPTY as u, readList as v, write as y };
