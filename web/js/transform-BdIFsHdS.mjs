import { H as t, P as loadTexts, S as showText, b as addStyle, g as keepMounted, k as ask, v as mountAgain, x as h, y as onChange } from "./resonance.js";
// src/transform.css?inline
var transform_default = ".resonance-transform {\n  display: flex;\n  flex-direction: column;\n  gap: 6px;\n  width: 100%;\n  height: 100%;\n  min-height: 188px;\n  color: var(--input-text, #ddd);\n  font: 12px/1.35 sans-serif;\n}\n.resonance-transform .says {\n  flex: none;\n  max-height: 100%;\n  overflow: auto;\n  overflow-wrap: anywhere;\n}\n.resonance-transform .scroller {\n  flex: 1;\n  contain: size; /* the node does not grow with a long program */\n  min-height: 0;\n  overflow: auto;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--component-node-widget-background, var(--comfy-input-bg, #222));\n}\n.resonance-transform .scroller[hidden] {\n  display: none;\n}\n.resonance-transform .scroller:focus-visible {\n  outline: 2px solid var(--p-primary-color, #4ea5ff);\n  outline-offset: -2px;\n}\n.resonance-transform table {\n  width: 100%;\n  border-collapse: collapse;\n  font-variant-numeric: tabular-nums;\n}\n.resonance-transform :is(th, td) {\n  padding: 3px 6px;\n  text-align: right;\n  font-weight: normal;\n}\n.resonance-transform thead th {\n  position: sticky;\n  top: 0;\n  background: var(--component-node-widget-background, var(--comfy-input-bg, #222));\n  box-shadow: inset 0 -1px var(--border-color, #4e4e4e);\n  font-weight: 600;\n  white-space: nowrap;\n}\n/* The line is the schedule; the part that is run stands out. */\n.resonance-transform tbody tr[style] {\n  background: linear-gradient(\n      to right,\n      color-mix(in srgb, currentColor 20%, transparent) var(--from),\n      var(--p-primary-color, #4ea5ff) var(--from)\n    )\n    bottom / 100% 2px no-repeat;\n}\n\n.resonance-transform .says::first-letter {\n  text-transform: uppercase;\n}\n";
// src/transform.ts
/** Milliseconds of rest before the server is asked: a program may be being typed. */
var PATIENCE = 200;
/** Steps of the schedule of which a pair runs the last. */
var SCHEDULE = 50;
var HEADS = [
	"transform.number",
	"transform.scale",
	"transform.strength",
	"transform.steps",
	"transform.start"
];
var refreshes = /* @__PURE__ */ new WeakMap();
/** Puts the table on a node that was just made. */
async function attach(node, host) {
	keepMounted(node, host);
	await loadTexts();
	const table = createTable();
	host.replaceChildren(table.element);
	const followed = /* @__PURE__ */ new WeakSet();
	let timer = 0;
	let turn = 0;
	function refresh() {
		for (const widget of node.widgets ?? []) {
			if (!followed.has(widget)) onChange(widget, refresh);
			followed.add(widget);
		}
		clearTimeout(timer);
		timer = window.setTimeout(() => void update(), PATIENCE);
	}
	async function update() {
		const mine = ++turn;
		const linked = (node.inputs ?? []).filter((input) => input.link != null).map(({ name }) => name.split(".").at(-1));
		const unknown = linked.filter((name) => name !== "iterations");
		if (unknown.length) return table.tell(t("transform.connected", { names: unknown.join(", ") }));
		try {
			const program = await ask("/resonance/transform", valuesOf(node));
			if (mine === turn) table.show(program, describe(program, !linked.length));
		} catch (error) {
			if (mine === turn) table.tell(error.message);
		}
	}
	const before = node.onConnectionsChange;
	node.onConnectionsChange = function(...change) {
		before?.apply(node, change);
		refresh();
	};
	refreshes.set(node, refresh);
	refresh();
}
/** After a workflow was loaded, and after undo. */
function loaded(node) {
	refreshes.get(node)?.();
	mountAgain(node);
}
function valuesOf(node) {
	const saved = (node.widgets ?? []).filter((widget) => widget.serialize !== false);
	return Object.fromEntries(saved.map(({ name, value }) => [name.split(".").at(-1), value]));
}
/** What there is to say of a program beside its pairs. Without `counted` it is not known how many loops it runs. */
function describe(program, counted) {
	const { pairs, chained, save_middle, loop_to_loop, iterations, kept } = program;
	const count = (one, many, count) => count === 1 ? t(one) : t(many, { count });
	const pictures = (number) => count("transform.picture", "transform.pictures", number);
	const said = pairs === 1 ? [] : [t(chained ? "transform.chained" : "transform.parallel")];
	if (chained) said.push(t(save_middle ? "transform.every_kept" : "transform.last_kept"));
	if (loop_to_loop) said.push(t("transform.loop_to_loop"));
	if (counted) said.push(count("transform.loop", "transform.loops", iterations), pictures(iterations * kept));
	else said.push(t("transform.loops_connected", { pictures: pictures(kept) }));
	return said.join(t("transform.comma"));
}
function createTable() {
	addStyle("resonance-transform", transform_default);
	const says = h("div", {
		className: "says",
		role: "status"
	});
	const body = h("tbody");
	const heads = HEADS.map((key) => h("th", {
		scope: "col",
		textContent: t(key)
	}));
	const table = h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body);
	const scroller = h("div", {
		className: "scroller",
		tabIndex: 0,
		role: "region",
		ariaLabel: t("transform.table")
	}, table);
	scroller.dataset["captureWheel"] = "true";
	return {
		element: h("div", { className: "resonance-transform" }, says, scroller),
		show({ rows, pairs }, said) {
			const more = pairs > rows.length ? [h("tr", {}, h("td", { colSpan: 5 }, t("transform.more", { count: pairs - rows.length })))] : [];
			body.replaceChildren(...rows.map(row), ...more);
			scroller.hidden = false;
			says.classList.remove("problem");
			showText(says, said);
		},
		tell(sentence) {
			scroller.hidden = true;
			says.classList.add("problem");
			showText(says, sentence);
		}
	};
}
function row(values, index) {
	const made = h("tr", {}, h("th", {
		scope: "row",
		textContent: String(index + 1)
	}));
	made.append(...values.map((value) => h("td", { textContent: String(value) })));
	made.style.setProperty("--from", `${values[3] / SCHEDULE * 100}%`);
	return made;
}
export { attach, describe, loaded };
