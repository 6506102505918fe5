import { H as t, S as showText, b as addStyle, k as ask, x as h } from "./resonance.js";
import { f as WHOLE, h as ownPrefixes, m as label, p as hex } from "./effective-CUuSsUpo.mjs";
import { a as show, c as change, i as numberField, n as group, r as labeled, t as button, v as setGlobalPrefixes, w as clamp } from "./field-FHO3C30b.mjs";
import { r as pictureField, t as words_default } from "./words-CqeWkxlE.mjs";
var vocabulary_default = {
	locations: {
		"in the center": [45, 45],
		"on the left": [15, 45],
		"on the right": [75, 45],
		"on the top": [45, 15],
		"on the bottom": [45, 75],
		"on the top-left": [15, 15],
		"on the top-right": [75, 15],
		"on the bottom-left": [15, 75],
		"on the bottom-right": [75, 75]
	},
	offsets: {
		"no offset": [0, 0],
		"slightly to the left": [-10, 0],
		"slightly to the right": [10, 0],
		"slightly to the upper": [0, -10],
		"slightly to the lower": [0, 10],
		"slightly to the upper-left": [-10, -10],
		"slightly to the upper-right": [10, -10],
		"slightly to the lower-left": [-10, 10],
		"slightly to the lower-right": [10, 10]
	},
	areas: {
		"a small square area": [50, 50],
		"a small vertical area": [40, 60],
		"a small horizontal area": [60, 40],
		"a medium-sized square area": [60, 60],
		"a medium-sized vertical area": [50, 80],
		"a medium-sized horizontal area": [80, 50],
		"a large square area": [70, 70],
		"a large vertical area": [60, 90],
		"a large horizontal area": [90, 60]
	},
	colors: {
		"aliceblue": [
			240,
			248,
			255
		],
		"antiquewhite": [
			250,
			235,
			215
		],
		"aqua": [
			0,
			255,
			255
		],
		"aquamarine": [
			127,
			255,
			212
		],
		"azure": [
			240,
			255,
			255
		],
		"beige": [
			245,
			245,
			220
		],
		"bisque": [
			255,
			228,
			196
		],
		"black": [
			0,
			0,
			0
		],
		"blanchedalmond": [
			255,
			235,
			205
		],
		"blue": [
			0,
			0,
			255
		],
		"blueviolet": [
			138,
			43,
			226
		],
		"brown": [
			165,
			42,
			42
		],
		"burlywood": [
			222,
			184,
			135
		],
		"cadetblue": [
			95,
			158,
			160
		],
		"chartreuse": [
			127,
			255,
			0
		],
		"chocolate": [
			210,
			105,
			30
		],
		"coral": [
			255,
			127,
			80
		],
		"cornflowerblue": [
			100,
			149,
			237
		],
		"cornsilk": [
			255,
			248,
			220
		],
		"crimson": [
			220,
			20,
			60
		],
		"cyan": [
			0,
			255,
			255
		],
		"darkblue": [
			0,
			0,
			139
		],
		"darkcyan": [
			0,
			139,
			139
		],
		"darkgoldenrod": [
			184,
			134,
			11
		],
		"darkgray": [
			169,
			169,
			169
		],
		"darkgrey": [
			169,
			169,
			169
		],
		"darkgreen": [
			0,
			100,
			0
		],
		"darkkhaki": [
			189,
			183,
			107
		],
		"darkmagenta": [
			139,
			0,
			139
		],
		"darkolivegreen": [
			85,
			107,
			47
		],
		"darkorange": [
			255,
			140,
			0
		],
		"darkorchid": [
			153,
			50,
			204
		],
		"darkred": [
			139,
			0,
			0
		],
		"darksalmon": [
			233,
			150,
			122
		],
		"darkseagreen": [
			143,
			188,
			143
		],
		"darkslateblue": [
			72,
			61,
			139
		],
		"darkslategray": [
			47,
			79,
			79
		],
		"darkslategrey": [
			47,
			79,
			79
		],
		"darkturquoise": [
			0,
			206,
			209
		],
		"darkviolet": [
			148,
			0,
			211
		],
		"deeppink": [
			255,
			20,
			147
		],
		"deepskyblue": [
			0,
			191,
			255
		],
		"dimgray": [
			105,
			105,
			105
		],
		"dimgrey": [
			105,
			105,
			105
		],
		"dodgerblue": [
			30,
			144,
			255
		],
		"firebrick": [
			178,
			34,
			34
		],
		"floralwhite": [
			255,
			250,
			240
		],
		"forestgreen": [
			34,
			139,
			34
		],
		"fuchsia": [
			255,
			0,
			255
		],
		"gainsboro": [
			220,
			220,
			220
		],
		"ghostwhite": [
			248,
			248,
			255
		],
		"gold": [
			255,
			215,
			0
		],
		"goldenrod": [
			218,
			165,
			32
		],
		"gray": [
			128,
			128,
			128
		],
		"grey": [
			128,
			128,
			128
		],
		"green": [
			0,
			128,
			0
		],
		"greenyellow": [
			173,
			255,
			47
		],
		"honeydew": [
			240,
			255,
			240
		],
		"hotpink": [
			255,
			105,
			180
		],
		"indianred": [
			205,
			92,
			92
		],
		"indigo": [
			75,
			0,
			130
		],
		"ivory": [
			255,
			255,
			240
		],
		"khaki": [
			240,
			230,
			140
		],
		"lavender": [
			230,
			230,
			250
		],
		"lavenderblush": [
			255,
			240,
			245
		],
		"lawngreen": [
			124,
			252,
			0
		],
		"lemonchiffon": [
			255,
			250,
			205
		],
		"lightblue": [
			173,
			216,
			230
		],
		"lightcoral": [
			240,
			128,
			128
		],
		"lightcyan": [
			224,
			255,
			255
		],
		"lightgoldenrodyellow": [
			250,
			250,
			210
		],
		"lightgreen": [
			144,
			238,
			144
		],
		"lightgray": [
			211,
			211,
			211
		],
		"lightgrey": [
			211,
			211,
			211
		],
		"lightpink": [
			255,
			182,
			193
		],
		"lightsalmon": [
			255,
			160,
			122
		],
		"lightseagreen": [
			32,
			178,
			170
		],
		"lightskyblue": [
			135,
			206,
			250
		],
		"lightslategray": [
			119,
			136,
			153
		],
		"lightslategrey": [
			119,
			136,
			153
		],
		"lightsteelblue": [
			176,
			196,
			222
		],
		"lightyellow": [
			255,
			255,
			224
		],
		"lime": [
			0,
			255,
			0
		],
		"limegreen": [
			50,
			205,
			50
		],
		"linen": [
			250,
			240,
			230
		],
		"magenta": [
			255,
			0,
			255
		],
		"maroon": [
			128,
			0,
			0
		],
		"mediumaquamarine": [
			102,
			205,
			170
		],
		"mediumblue": [
			0,
			0,
			205
		],
		"mediumorchid": [
			186,
			85,
			211
		],
		"mediumpurple": [
			147,
			112,
			219
		],
		"mediumseagreen": [
			60,
			179,
			113
		],
		"mediumslateblue": [
			123,
			104,
			238
		],
		"mediumspringgreen": [
			0,
			250,
			154
		],
		"mediumturquoise": [
			72,
			209,
			204
		],
		"mediumvioletred": [
			199,
			21,
			133
		],
		"midnightblue": [
			25,
			25,
			112
		],
		"mintcream": [
			245,
			255,
			250
		],
		"mistyrose": [
			255,
			228,
			225
		],
		"moccasin": [
			255,
			228,
			181
		],
		"navajowhite": [
			255,
			222,
			173
		],
		"navy": [
			0,
			0,
			128
		],
		"oldlace": [
			253,
			245,
			230
		],
		"olive": [
			128,
			128,
			0
		],
		"olivedrab": [
			107,
			142,
			35
		],
		"orange": [
			255,
			165,
			0
		],
		"orangered": [
			255,
			69,
			0
		],
		"orchid": [
			218,
			112,
			214
		],
		"palegoldenrod": [
			238,
			232,
			170
		],
		"palegreen": [
			152,
			251,
			152
		],
		"paleturquoise": [
			175,
			238,
			238
		],
		"palevioletred": [
			219,
			112,
			147
		],
		"papayawhip": [
			255,
			239,
			213
		],
		"peachpuff": [
			255,
			218,
			185
		],
		"peru": [
			205,
			133,
			63
		],
		"pink": [
			255,
			192,
			203
		],
		"plum": [
			221,
			160,
			221
		],
		"powderblue": [
			176,
			224,
			230
		],
		"purple": [
			128,
			0,
			128
		],
		"rebeccapurple": [
			102,
			51,
			153
		],
		"red": [
			255,
			0,
			0
		],
		"rosybrown": [
			188,
			143,
			143
		],
		"royalblue": [
			65,
			105,
			225
		],
		"saddlebrown": [
			139,
			69,
			19
		],
		"salmon": [
			250,
			128,
			114
		],
		"sandybrown": [
			244,
			164,
			96
		],
		"seagreen": [
			46,
			139,
			87
		],
		"seashell": [
			255,
			245,
			238
		],
		"sienna": [
			160,
			82,
			45
		],
		"silver": [
			192,
			192,
			192
		],
		"skyblue": [
			135,
			206,
			235
		],
		"slateblue": [
			106,
			90,
			205
		],
		"slategray": [
			112,
			128,
			144
		],
		"slategrey": [
			112,
			128,
			144
		],
		"snow": [
			255,
			250,
			250
		],
		"springgreen": [
			0,
			255,
			127
		],
		"steelblue": [
			70,
			130,
			180
		],
		"tan": [
			210,
			180,
			140
		],
		"teal": [
			0,
			128,
			128
		],
		"thistle": [
			216,
			191,
			216
		],
		"tomato": [
			255,
			99,
			71
		],
		"turquoise": [
			64,
			224,
			208
		],
		"violet": [
			238,
			130,
			238
		],
		"wheat": [
			245,
			222,
			179
		],
		"white": [
			255,
			255,
			255
		],
		"whitesmoke": [
			245,
			245,
			245
		],
		"yellow": [
			255,
			255,
			0
		],
		"yellowgreen": [
			154,
			205,
			50
		],
		"navyblue": [
			0,
			0,
			128
		]
	}
};
// src/canvas/vocabulary.ts
var COLORS = vocabulary_default.colors;
var PAIRS = {
	location: vocabulary_default.locations,
	offset: vocabulary_default.offsets,
	area: vocabulary_default.areas
};
/** What can stand in each of the three places. */
var CHOICES = {
	location: Object.keys(PAIRS.location),
	offset: Object.keys(PAIRS.offset),
	area: Object.keys(PAIRS.area)
};
/** The cells that three words mean. */
function rectOf({ location, offset, area }) {
	const [x, y] = sum(PAIRS.location[location], PAIRS.offset[offset]);
	const [width, height] = sum(PAIRS.area[area]);
	const [down, across] = [Math.floor(height / 2), Math.floor(width / 2)];
	return [
		Math.max(y - down, 0),
		Math.min(y + down, 90),
		Math.max(x - across, 0),
		Math.min(x + across, 90)
	];
}
/** The words that mean exactly this rectangle, those without offset if there are several; null if there are none. */
function wordsOf(rect) {
	return all().get(String(rect)) ?? null;
}
/** The words for the rectangle whose edges are nearest. */
function nearestWords(rect) {
	let [nearest, least] = [{
		location: "",
		offset: "",
		area: ""
	}, Infinity];
	for (const words of all().values()) {
		const distance = rectOf(words).reduce((far, edge, i) => far + (edge - (rect[i] ?? 0)) ** 2, 0);
		if (distance < least) [nearest, least] = [words, distance];
	}
	return nearest;
}
var found;
function all() {
	if (found) return found;
	const words = /* @__PURE__ */ new Map();
	for (const offset of CHOICES.offset) for (const location of CHOICES.location) for (const area of CHOICES.area) {
		const key = String(rectOf({
			location,
			offset,
			area
		}));
		if (!words.has(key)) words.set(key, {
			location,
			offset,
			area
		});
	}
	return found = words;
}
function sum(...pairs) {
	return [0, 1].map((i) => pairs.reduce((total, pair) => total + (pair?.[i] ?? 0), 0));
}
// src/canvas/color.ts
/** The color that a CSS name, `#rgb` or `#rrggbb` means. */
function readColor(text) {
	const word = text.trim().toLowerCase();
	if (Object.hasOwn(COLORS, word)) return COLORS[word] ?? null;
	const digits = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/.exec(word)?.[1];
	if (!digits) return null;
	const pairs = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
	const part = (at) => parseInt(pairs.slice(at, at + 2), 16);
	return [
		part(0),
		part(2),
		part(4)
	];
}
/** The CSS name of a color, else `#rrggbb`. */
function colorName(color) {
	const wanted = String(color);
	return Object.keys(COLORS).find((name) => String(COLORS[name]) === wanted) ?? hex(color);
}
function colorField(change) {
	const names = h("datalist", { id: "resonance-colors" }, ...Object.keys(COLORS).map((value) => h("option", { value })));
	const text = h("input", {
		type: "text",
		ariaLabel: t("form.color_name"),
		spellcheck: false,
		autocomplete: "off"
	});
	text.setAttribute("list", names.id);
	const picker = h("input", {
		type: "color",
		ariaLabel: t("form.color_picker")
	});
	const take = (value) => {
		const color = readColor(value);
		text.ariaInvalid = String(color === null);
		if (color) change(color);
	};
	text.addEventListener("input", () => take(text.value));
	picker.addEventListener("input", () => take(picker.value));
	let shown = null;
	return {
		element: group(t("form.color"), h("div", { className: "line" }, text, picker, names)),
		show(color, forced) {
			if (color === shown && !forced && document.activeElement === text) return;
			shown = color;
			if (forced || document.activeElement !== text) text.ariaInvalid = "false";
			show(text, colorName(color), forced);
			show(picker, hex(color), forced);
		}
	};
}
// src/canvas/loras.ts
var STEP$1 = .05;
function loraField(edit) {
	const element = group(t("form.lora"));
	const rows = [];
	let offered = [];
	ask("/models/loras").then((found) => {
		offered = found;
		for (const row of rows) row.offer(found);
	}, () => void 0);
	return {
		element,
		show(loras, forced) {
			const count = Math.min(loras.length + 1, 8);
			while (rows.length < count) {
				const row = newRow(rows.length, edit);
				row.offer(offered);
				element.append(...row.elements);
				rows.push(row);
			}
			for (const row of rows.splice(count)) for (const part of row.elements) part.remove();
			rows.forEach((row, i) => row.show(loras[i], forced));
		}
	};
}
function newRow(number, edit) {
	const none = h("option", {
		value: "",
		textContent: t("form.no_lora")
	});
	const files = h("select", {}, none);
	const put = (loras, ...lora) => [
		...loras.slice(0, number),
		...lora,
		...loras.slice(number + 1)
	];
	const offer = (names) => {
		for (const file of names) if (![...files.options].some((option) => option.value === file)) files.append(h("option", {
			value: file,
			textContent: file
		}));
	};
	files.addEventListener("change", () => {
		const file = files.value;
		edit((loras) => put(loras, {
			file,
			strength: loras[number]?.strength ?? 1
		}), "");
	});
	const strength = numberField([-100, 100], STEP$1, (value) => edit((loras) => {
		const lora = loras[number];
		return lora ? put(loras, {
			...lora,
			strength: value
		}) : loras;
	}, `strength ${number}`));
	const named = (name) => number ? `${name} ${number + 1}` : name;
	const remove = button("×", named(t("form.remove")), () => {
		files.focus();
		edit((loras) => put(loras), "");
	});
	const file = labeled(named(t("form.lora_file")), files);
	file.append(remove);
	return {
		elements: [file, labeled(named(t("form.strength")), strength.input)],
		offer,
		show(lora, forced) {
			if (lora) {
				offer([lora.file]);
				none.remove();
			} else files.prepend(none);
			remove.hidden = !lora;
			show(files, lora?.file ?? "", true);
			strength.input.disabled = !lora;
			strength.show(lora?.strength ?? 1, forced);
		}
	};
}
// src/canvas/place.ts
var SLOTS = [
	"location",
	"offset",
	"area"
];
function place(change) {
	let rect = [
		0,
		90,
		0,
		90
	];
	let words = null;
	const choose = (slot, word) => {
		words = {
			...words ?? nearestWords(rect),
			[slot]: word
		};
		change(rectOf(words), "");
	};
	const selects = SLOTS.map((slot) => {
		const custom = h("option", {
			value: "",
			textContent: t("form.custom"),
			hidden: true,
			disabled: true
		});
		const options = CHOICES[slot].map((word) => h("option", {
			value: word,
			textContent: word
		}));
		const select = h("select", {}, custom, ...options);
		select.addEventListener("change", () => choose(slot, select.value));
		return {
			slot,
			select
		};
	});
	const [left, top, width, height] = [
		numberField([0, 89], 1, (x) => {
			const from = Math.min(x, 90 - rect[3] + rect[2]);
			change([
				rect[0],
				rect[1],
				from,
				from + rect[3] - rect[2]
			], "left");
		}),
		numberField([0, 89], 1, (y) => {
			const from = Math.min(y, 90 - rect[1] + rect[0]);
			change([
				from,
				from + rect[1] - rect[0],
				rect[2],
				rect[3]
			], "top");
		}),
		numberField([1, 90], 1, (size) => change([
			rect[0],
			rect[1],
			rect[2],
			clamp(rect[2] + size, 1, 90)
		], "width")),
		numberField([1, 90], 1, (size) => change([
			rect[0],
			clamp(rect[0] + size, 1, 90),
			rect[2],
			rect[3]
		], "height"))
	];
	return {
		element: group(t("form.place"), ...selects.map(({ slot, select }) => labeled(t(`form.${slot}`), select)), h("div", { className: "numbers" }, labeled(t("form.left"), left.input), labeled(t("form.top"), top.input), labeled(t("form.width"), width.input), labeled(t("form.height"), height.input))),
		show(next, forced) {
			rect = next;
			if (!words || String(rectOf(words)) !== String(rect)) words = wordsOf(rect);
			for (const { slot, select } of selects) show(select, words?.[slot] ?? "", true);
			left.show(rect[2], forced);
			top.show(rect[0], forced);
			width.show(rect[3] - rect[2], forced);
			height.show(rect[1] - rect[0], forced);
		}
	};
}
function texts(name, change) {
	const rows = h("ol");
	const boxes = () => [...rows.querySelectorAll("textarea")];
	let rest = [];
	const values = () => [...boxes().map((box) => box.value), ...rest];
	const edited = () => change(values().filter(isWritten));
	const number = () => {
		boxes().forEach((box, i) => box.ariaLabel = `${name} ${i + 1}`);
	};
	const row = (value) => {
		const box = h("textarea", {
			value,
			rows: 1,
			spellcheck: false,
			oninput: edited
		});
		const line = h("li", {}, box, button("↑", t("form.up"), () => move(line, -1)), button("↓", t("form.down"), () => move(line, 1)), button("×", t("form.remove"), () => remove(line)));
		box.addEventListener("keydown", (event) => pressed(event, line));
		return line;
	};
	const focus = (line) => line?.querySelector("textarea")?.focus();
	const insert = (after) => {
		const line = row("");
		if (after) after.after(line);
		else rows.append(line);
		number();
		focus(line);
	};
	const remove = (line) => {
		const next = line.previousElementSibling ?? line.nextElementSibling;
		line.remove();
		if (!next) rows.append(row(""));
		number();
		focus(next ?? rows.firstElementChild);
		edited();
	};
	const move = (line, by) => {
		const focused = document.activeElement;
		if (by < 0) line.previousElementSibling?.before(line);
		else line.nextElementSibling?.after(line);
		number();
		focused?.focus();
		edited();
	};
	const pressed = (event, line) => {
		if (event.isComposing || event.ctrlKey || event.metaKey) return;
		const up = event.key === "ArrowUp";
		if (event.key === "Enter" && !event.shiftKey) insert(line);
		else if (event.altKey && (up || event.key === "ArrowDown")) move(line, up ? -1 : 1);
		else if (event.key === "Backspace" && !line.querySelector("textarea")?.value && rows.childElementCount > 1) remove(line);
		else return;
		event.preventDefault();
	};
	const add = h("button", {
		type: "button",
		textContent: t("form.add"),
		onclick: () => insert(rows.lastElementChild)
	});
	add.ariaLabel = `${t("form.add")}: ${name}`;
	const more = h("p", { className: "hint" });
	return {
		element: h("div", { className: "texts" }, rows, more, add),
		show(wanted, fresh) {
			const written = wanted.filter(isWritten);
			if (!fresh && JSON.stringify(values().filter(isWritten)) === JSON.stringify(written)) return;
			rest = written.slice(200);
			more.textContent = rest.length ? t("form.more_rows", { count: rest.length }) : "";
			const shown = written.length ? written.slice(0, 200) : [""];
			const before = boxes();
			shown.forEach((text, i) => {
				const box = before[i];
				if (!box) rows.append(row(text));
				else if (box.value !== text) box.value = text;
			});
			while (rows.childElementCount > shown.length) rows.lastElementChild?.remove();
			number();
		}
	};
}
function isWritten(text) {
	return text.trim() !== "";
}
// src/canvas/tokens.ts
var PAUSE = 300;
function tokens() {
	const bags = h("div", { className: "bags" });
	const warning = h("p", { className: "warning" });
	warning.setAttribute("role", "status");
	let words = null;
	let timer;
	const clear = () => {
		bags.replaceChildren();
		warning.textContent = "";
	};
	const fill = ({ bags: [counts = []], left_out: [left = 0], room }) => {
		const parts = counts.map((count) => {
			const text = `${count} / ${room}`;
			return h("span", {}, h("meter", {
				max: room,
				value: count,
				ariaLabel: text
			}), text);
		});
		bags.replaceChildren(...parts);
		warning.textContent = left ? t("form.left_out", { count: left }) : "";
	};
	const count = async ({ prefixes, suffixes }) => {
		const asked = words;
		try {
			const counts = await ask("/resonance/canvas/tokens", { regions: [{
				rect: WHOLE,
				prefixes,
				suffixes
			}] });
			if (asked === words) fill(counts);
		} catch (error) {
			if (asked !== words) return;
			clear();
			warning.textContent = error.message;
		}
	};
	return {
		element: h("div", { className: "tokens" }, h("span", { textContent: t("form.tokens") }), bags, warning),
		show(region, fresh) {
			if (!fresh && region.prefixes === words?.prefixes && region.suffixes === words.suffixes) return;
			words = region;
			clearTimeout(timer);
			if (fresh) clear();
			timer = setTimeout(() => void count(region), fresh ? 0 : PAUSE);
		}
	};
}
// src/canvas/words.ts
/** The global prefixes that a local region begins with. */
function sharedPrefixes(canvas, region) {
	return region.prefixes.slice(0, region.prefixes.length - ownPrefixes(canvas, region).length);
}
/** The suffixes without the line of tags. */
function details(region) {
	return region.suffixes.filter((_, i) => i !== region.tags);
}
/** The line of tags, or nothing. */
function tagsOf(region) {
	return region.tags === null ? "" : region.suffixes[region.tags] ?? "";
}
/** Other details. Tags that stood last stay last, others as near to their place as can be. */
function withDetails(region, rows) {
	if (region.tags === null) return { suffixes: rows };
	const tags = region.tags === region.suffixes.length - 1 ? rows.length : Math.min(region.tags, rows.length);
	return {
		suffixes: [
			...rows.slice(0, tags),
			tagsOf(region),
			...rows.slice(tags)
		],
		tags
	};
}
/** Other tags; a line without any is no suffix. */
function withTags(region, line) {
	const blank = line.trim() === "";
	if (region.tags === null) return blank ? {} : {
		suffixes: [...region.suffixes, line],
		tags: region.suffixes.length
	};
	if (blank) return {
		suffixes: details(region),
		tags: null
	};
	return { suffixes: region.suffixes.map((suffix, i) => i === region.tags ? line : suffix) };
}
// src/canvas/form.ts
var STEP = .05;
/** `put` makes a file the picture of a region. */
function form(state, put) {
	addStyle("resonance-words", words_default);
	const primary = () => state.selected.at(-1);
	let own = false;
	const commit = (canvas, tag) => {
		own = true;
		state.commit(canvas, state.selected, tag && `form:${tag}:${state.selected}`);
		own = false;
	};
	const edit = (tag, changed) => commit(change(state.canvas, state.selected.slice(-1), changed), tag);
	const editAll = (tag, changed) => commit(change(state.canvas, state.selected, changed), tag);
	const heading = h("h3");
	const several = h("p", { className: "hint" });
	const none = h("p", {
		className: "hint",
		textContent: t("form.none")
	});
	const name = h("input", {
		type: "text",
		spellcheck: false,
		oninput: () => edit("name", () => ({ name: name.value }))
	});
	const where = place((rect, tag) => edit(tag, () => ({ rect })));
	const shared = h("ul", {
		className: "shared",
		ariaLabel: t("form.shared")
	});
	const description = texts(t("form.description_row"), (rows) => {
		if (primary() === 0) commit(setGlobalPrefixes(state.canvas, rows), "description");
		else edit("description", (region) => ({ prefixes: [...sharedPrefixes(state.canvas, region), ...rows] }));
	});
	const suffixes = texts(t("form.details_row"), (rows) => edit("details", (region) => withDetails(region, rows)));
	const tags = h("textarea", {
		rows: 2,
		spellcheck: false
	});
	tags.addEventListener("input", () => edit("tags", (region) => withTags(region, tags.value)));
	const counts = tokens();
	const color = colorField((value) => editAll("color", () => ({ color: value })));
	const negative = h("textarea", {
		rows: 2,
		spellcheck: false
	});
	negative.addEventListener("input", () => editAll("negative", () => ({ negative: negative.value })));
	const weight = numberField([0, 100], STEP, (value) => editAll("weight", () => ({ weight: value })));
	const start = numberField([0, 1], STEP, (value) => editAll("start", ({ end }) => ({ start: Math.min(value, end) })));
	const end = numberField([0, 1], STEP, (value) => editAll("end", ({ start }) => ({ end: Math.max(value, start) })));
	const loras = loraField((changed, tag) => edit(tag, (region) => ({ loras: changed(region.loras) })));
	const picture = pictureField((changed, tag) => edit(tag, (region) => ({ picture: changed(region.picture) })), (file) => put(file, primary() ?? 0));
	const nameField = labeled(t("form.name"), name);
	const times = [labeled(t("form.start"), start.input), labeled(t("form.end"), end.input)];
	const fields = h("div", { className: "fields" }, several, nameField, group(t("form.description"), shared, description.element), group(t("form.details"), suffixes.element), labeled(t("form.tags"), tags), counts.element, where.element, color.element, labeled(t("form.negative"), negative), h("div", { className: "numbers" }, labeled(t("form.weight"), weight.input), ...times), picture.element, loras.element);
	const ofLocals = [
		nameField,
		where.element,
		...times
	];
	let shownNumber;
	const refresh = (forced) => {
		const { canvas } = state;
		const number = primary();
		const region = number === void 0 ? void 0 : canvas.regions[number];
		none.hidden = region !== void 0;
		fields.hidden = region === void 0;
		heading.hidden = region === void 0;
		if (number === void 0 || !region) return;
		const fresh = number !== shownNumber;
		shownNumber = number;
		const title = number === 0 ? t("form.global") : `${number}. ${label(canvas, number) || t("form.unnamed")}`;
		showText(heading, title);
		const count = state.selected.length;
		several.hidden = count < 2;
		several.textContent = count < 2 ? "" : t("form.several", { count });
		for (const element of ofLocals) element.hidden = number === 0;
		where.element.disabled = region.locked;
		show(name, region.name, forced);
		where.show(region.rect, forced);
		showShared(shared, number === 0 ? [] : sharedPrefixes(canvas, region));
		description.show(number === 0 ? region.prefixes : ownPrefixes(canvas, region), fresh);
		suffixes.show(details(region), fresh);
		show(tags, tagsOf(region), forced);
		counts.show(region, fresh);
		color.show(region.color, forced);
		show(negative, region.negative, forced);
		weight.show(region.weight, forced);
		start.show(region.start, forced);
		end.show(region.end, forced);
		picture.show(region.picture, forced);
		loras.show(region.loras, forced);
	};
	let frame = 0;
	const follow = () => {
		frame = 0;
		const region = state.shown.regions[primary() ?? 0];
		if (region) where.show(region.rect, true);
	};
	state.subscribe(() => {
		if (state.shown === state.canvas) refresh(!own);
		else frame ||= requestAnimationFrame(follow);
	});
	const element = h("section", {
		className: "resonance-form",
		ariaLabel: t("form.region")
	}, heading, none, fields);
	element.addEventListener("focusout", () => refresh(false));
	refresh(true);
	return element;
}
function showShared(list, shared) {
	const shown = shared.length > 200 ? [...shared.slice(0, 200), "…"] : shared;
	list.hidden = shown.length === 0;
	if (String([...list.children].map((item) => item.textContent)) === String(shown)) return;
	list.replaceChildren(...shown.map((text) => h("li", { textContent: text })));
}
export { form };
