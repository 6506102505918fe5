import { A as captureUndo, C as svg, D as api, E as addNode, F as on, H as t, L as selectedNodes, O as app, P as loadTexts, S as showText, V as viewUrl, b as addStyle, d as setting, k as ask, u as THUMBNAILS, x as h } from "./resonance.js";
import { t as copy } from "./copy-C-eODKft.mjs";
// src/gallery/gallery.css?inline
var gallery_default = ".resonance-gallery {\n  --line: var(--border-color, #4e4e4e);\n  --field: var(--comfy-input-bg, #222);\n  --text: var(--input-text, #ddd);\n  display: flex;\n  flex-direction: column;\n  height: 100%;\n  min-height: 0;\n  color: var(--text);\n  background: var(--comfy-menu-bg, #353535);\n  font:\n    13px/1.4 Inter,\n    Arial,\n    sans-serif;\n}\n\n.resonance-gallery [hidden] {\n  display: none;\n}\n\n.resonance-gallery p,\n.resonance-gallery h2,\n.resonance-gallery h3,\n.resonance-gallery ul {\n  margin: 0;\n  padding: 0;\n}\n\n.resonance-gallery :is(button, select, textarea) {\n  font: inherit;\n  color: inherit;\n  background: var(--field);\n  border: 1px solid var(--line);\n  border-radius: 4px;\n  padding: 3px 8px;\n}\n\n.resonance-gallery button {\n  cursor: pointer;\n}\n\n.resonance-gallery button:hover {\n  border-color: var(--text);\n}\n\n.resonance-gallery button[aria-disabled='true'] {\n  opacity: 0.5;\n  cursor: default;\n}\n\n.resonance-gallery button[aria-pressed='true'] {\n  border-color: var(--text);\n  font-weight: 600;\n}\n\n.resonance-gallery :focus-visible {\n  outline: 2px solid var(--p-primary-color, #60a5fa);\n  outline-offset: 1px;\n}\n\n.resonance-gallery .resonance-error {\n  color: color-mix(in srgb, #f00 45%, var(--text));\n  overflow-wrap: anywhere;\n}\n\n.resonance-gallery .resonance-unread {\n  overflow-wrap: anywhere;\n}\n\n.resonance-gallery .resonance-unread ul {\n  max-height: 12em;\n  padding-left: 1.5em;\n  overflow-y: auto;\n}\n\n/* The tab */\n\n.resonance-gallery > header {\n  display: flex;\n  flex-direction: column;\n  gap: 6px;\n  padding: 8px;\n}\n\n.resonance-gallery select {\n  width: 100%;\n  max-width: 600px;\n  min-width: 0;\n}\n\n.resonance-gallery progress {\n  appearance: none;\n  width: 100%;\n  height: 6px;\n  border: 0;\n  border-radius: 3px;\n  overflow: hidden;\n  background: var(--line);\n}\n\n.resonance-gallery progress::-webkit-progress-bar {\n  background: var(--line);\n}\n\n.resonance-gallery progress::-webkit-progress-value {\n  background: var(--p-primary-color, #60a5fa);\n}\n\n.resonance-gallery progress::-moz-progress-bar {\n  background: var(--p-primary-color, #60a5fa);\n}\n\n.resonance-gallery header .resonance-line {\n  overflow-wrap: anywhere;\n}\n\n.resonance-tools {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 6px;\n  align-items: center;\n}\n\n.resonance-tools input {\n  flex: 1 1 60px;\n  min-width: 48px;\n  max-width: 160px;\n  accent-color: var(--p-primary-color, #60a5fa);\n}\n\n.resonance-grid {\n  flex: 1;\n  min-height: 0;\n  overflow: auto;\n  border-top: 1px solid var(--line);\n  overflow-anchor: none;\n  scroll-behavior: auto;\n}\n\n.resonance-grid-heads {\n  position: sticky;\n  top: 0;\n  z-index: 2;\n  height: 26px;\n}\n\n.resonance-grid-top,\n.resonance-grid-rows,\n.resonance-grid-row {\n  position: relative;\n}\n\n.resonance-grid-top {\n  height: 26px;\n  min-width: 100%;\n  background: var(--comfy-menu-bg, #353535);\n  border-bottom: 1px solid var(--line);\n  box-sizing: border-box;\n}\n\n.resonance-grid-row {\n  position: absolute;\n  width: 100%;\n  height: var(--step);\n}\n\n.resonance-grid :is([role='columnheader'], [role='rowheader']) {\n  overflow: hidden;\n  text-overflow: ellipsis;\n  white-space: nowrap;\n  font-size: 12px;\n  line-height: 24px;\n  padding: 0 6px;\n  box-sizing: border-box;\n}\n\n.resonance-grid [role='columnheader'] {\n  position: absolute;\n  top: 0;\n  width: var(--step);\n  text-align: center;\n}\n\n.resonance-grid .resonance-grid-corner,\n.resonance-grid [role='rowheader'] {\n  position: sticky;\n  left: 0;\n  z-index: 1;\n  width: 68px;\n  text-align: left;\n  background: var(--comfy-menu-bg, #353535);\n}\n\n.resonance-grid [role='rowheader'] {\n  height: var(--step);\n  display: flex;\n  flex-direction: column;\n  align-items: flex-start;\n  justify-content: center;\n}\n\n.resonance-grid [role='rowheader'] small {\n  font-size: 11px;\n  line-height: 14px;\n  white-space: normal;\n  color: var(--descrip-text, #999);\n}\n\n.resonance-grid [role='gridcell'] {\n  position: absolute;\n  top: 2px;\n  width: calc(var(--step) - 4px);\n  height: calc(var(--step) - 4px);\n  border-radius: 3px;\n  overflow: hidden;\n  cursor: pointer;\n  background: var(--field);\n}\n\n.resonance-grid .resonance-nothing {\n  background: none;\n  cursor: default;\n}\n\n.resonance-grid [role='gridcell']:focus-visible {\n  outline-offset: -2px;\n  outline-width: 3px;\n}\n\n.resonance-grid img {\n  display: block;\n  width: 100%;\n  height: 100%;\n  object-fit: contain;\n}\n\n.resonance-sign {\n  display: flex;\n  flex-direction: column;\n  align-items: center;\n  justify-content: center;\n  height: 100%;\n  font-size: 11px;\n  line-height: 1.3;\n  text-align: center;\n}\n\n.resonance-count {\n  position: absolute;\n  right: 3px;\n  bottom: 3px;\n  padding: 0 5px;\n  border-radius: 8px;\n  font-size: 11px;\n  color: #fff;\n  background: rgb(0 0 0 / 75%);\n}\n\n/* Dialogs */\n\n.resonance-frame,\ndialog.resonance-large {\n  width: 96vw;\n  max-width: none;\n  height: 94vh;\n  max-height: none;\n  margin: auto;\n  padding: 0;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 8px;\n  overflow: hidden;\n  box-sizing: border-box;\n}\n\ndialog.resonance-large:not([open]) {\n  display: none;\n}\n\ndialog.resonance-large:focus {\n  outline: none;\n}\n\n:is(.resonance-frame, .resonance-large)::backdrop {\n  background: rgb(0 0 0 / 60%);\n}\n\n.resonance-large > :is(header, footer) {\n  display: flex;\n  flex-direction: row;\n  flex-wrap: wrap;\n  gap: 8px;\n  align-items: center;\n  padding: 8px 12px;\n}\n\n.resonance-large h2 {\n  flex: 1;\n  font-size: 15px;\n  font-weight: 600;\n  overflow-wrap: anywhere;\n}\n\n.resonance-large nav,\n.resonance-choices {\n  display: inline-flex;\n  gap: 4px;\n}\n\n.resonance-large .resonance-choices[hidden] {\n  display: none;\n}\n\n.resonance-main {\n  flex: 1;\n  min-height: 0;\n  display: flex;\n  border: 1px solid var(--line);\n  border-width: 1px 0;\n}\n\n.resonance-figures {\n  flex: 1;\n  min-width: 0;\n  display: flex;\n  gap: 8px;\n  padding: 8px;\n  background: var(--field);\n}\n\n.resonance-figures > * {\n  flex: 1;\n  min-width: 0;\n  margin: 0;\n  display: flex;\n  flex-direction: column;\n}\n\n.resonance-figures .resonance-sign {\n  font-size: 15px;\n}\n\n.resonance-figures img {\n  flex: 1;\n  min-height: 0;\n  object-fit: contain;\n}\n\n.resonance-figures figcaption {\n  text-align: center;\n  font-size: 12px;\n  overflow-wrap: anywhere;\n}\n\n.resonance-side {\n  flex: 0 0 340px;\n  overflow: auto;\n  padding: 8px 12px;\n  box-sizing: border-box;\n}\n\n.resonance-side[aria-busy='true'] {\n  opacity: 0.5;\n}\n\n.resonance-side section {\n  margin-bottom: 12px;\n}\n\n.resonance-side h3 {\n  font-size: 12px;\n  font-weight: 600;\n  margin-bottom: 3px;\n}\n\n.resonance-side p {\n  white-space: pre-wrap;\n  overflow-wrap: anywhere;\n}\n\n.resonance-side ul {\n  list-style: none;\n  overflow-wrap: anywhere;\n}\n\n.resonance-tags {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 4px;\n}\n\n.resonance-tags li {\n  padding: 1px 6px;\n  border: 1px solid var(--line);\n  border-radius: 4px;\n  background: var(--field);\n}\n\n.resonance-tags .resonance-added {\n  border-style: double;\n  border-width: 3px;\n}\n\n.resonance-tags ins {\n  text-decoration: none;\n  font-weight: 600;\n}\n\n.resonance-tags .resonance-dropped {\n  border-style: dashed;\n}\n\n.resonance-plot {\n  display: block;\n  width: 100%;\n  height: auto;\n}\n\n.resonance-plot text {\n  font-size: 11px;\n  fill: var(--text);\n}\n\n.resonance-plot .resonance-middle {\n  text-anchor: middle;\n}\n\n.resonance-plot .resonance-end {\n  text-anchor: end;\n}\n\n.resonance-plot .resonance-tick {\n  stroke: var(--line);\n}\n\n.resonance-plot .resonance-line {\n  fill: none;\n  stroke: var(--text);\n  stroke-width: 1.5;\n}\n\n.resonance-plot circle {\n  fill: var(--text);\n}\n\n.resonance-plot .resonance-now {\n  stroke: var(--p-primary-color, #60a5fa);\n  stroke-width: 2;\n}\n\n.resonance-plot .resonance-hit {\n  fill: transparent;\n  cursor: pointer;\n}\n\n.resonance-side table {\n  width: 100%;\n  border-collapse: collapse;\n  font-size: 12px;\n}\n\n.resonance-side :is(th, td) {\n  padding: 2px 4px;\n  text-align: right;\n}\n\n.resonance-side tr[aria-current] {\n  background: var(--field);\n  font-weight: 600;\n}\n";
// src/gallery/server.ts
var ROUNDS = "/resonance/rounds";
var path = (session) => `${ROUNDS}/${encodeURIComponent(session)}`;
var askSessions = () => ask(ROUNDS);
/** @param first asks for the first rows only, which come at once. */
var askGrid = (session, first) => ask(`${path(session)}/grid${first ? "?first=1" : ""}`);
var askItem = (session, id) => ask(`${path(session)}/items/${id}`);
var askDrift = (session, id) => ask(`${path(session)}/items/${id}/drift`);
/** The workflow and the graph in API form, as JSON, that an item's n-th result (from 1) carries. */
var askWorkflow = (session, id, number) => ask(`${path(session)}/items/${id}/result/${number}/workflow`);
var command = (session, name) => ask(`${path(session)}/${name}`, {});
/** Address of an item's source or of its n-th result (from 1): a thumbnail, or in full. Browsers keep what has a time. */
function pictureUrl(session, item, which, full = false) {
	const what = which === "source" ? "source" : `result/${which}`;
	const version = item.committed === null ? "" : `&v=${item.committed}`;
	return api.apiURL(`${path(session)}/items/${item.id}/${what}?full=${full ? 1 : 0}${version}`);
}
// src/gallery/says.ts
var SIGNS = {
	pending: "…",
	claimed: "▶",
	done: "✓",
	failed: "✕",
	parked: "‖",
	skipped: "–",
	removed: "∅"
};
var stateName = (state) => t(`gallery.item.${state}`);
/** A duration in words. */
function duration(seconds) {
	if (seconds < 10) return t("gallery.seconds", { n: Number(seconds.toFixed(1)) });
	if (seconds < 90) return t("gallery.seconds", { n: Math.round(seconds) });
	if (seconds < 5400) return t("gallery.minutes", { n: Math.round(seconds / 60) });
	return t("gallery.hours", { n: Number((seconds / 3600).toFixed(1)) });
}
/**
* `round 3: 12 of 40, 2 failed, 4.1 s per picture, about 2 min left`
*
* @param idle nothing is queued or running: no time is left then.
*/
function progress(status, idle) {
	const { round, done, total, failed, skipped, removed, pace, eta, state, reason } = status;
	const runs = state === "open";
	return [
		t("gallery.progress", {
			round,
			done,
			total
		}),
		failed > 0 && t("gallery.failed", { n: failed }),
		skipped > 0 && t("gallery.skipped", { n: skipped }),
		removed > 0 && t("gallery.removed", { n: removed }),
		pace && t("gallery.pace", { time: duration(pace) }),
		runs && !idle && eta && t("gallery.left", { time: duration(eta) }),
		!runs && t(`gallery.state.${state}`) + (reason && `: ${reason}`)
	].filter(Boolean).join(", ");
}
/** A session in the list of sessions. */
function sessionLine({ session, state, round, done, total }) {
	return t("gallery.session_line", {
		session,
		state: t(`gallery.state.${state}`),
		round,
		done,
		total
	});
}
// src/gallery/table.ts
var EMPTY = {
	rounds: [],
	sources: true,
	lineages: [],
	told: [],
	cells: /* @__PURE__ */ new Map(),
	byId: /* @__PURE__ */ new Map(),
	rows: /* @__PURE__ */ new Map()
};
function makeTable$1({ rounds, sources, lineages, told, items }) {
	const table = {
		rounds,
		sources,
		lineages,
		told,
		cells: new Map(rounds.map((round) => [round, []])),
		byId: /* @__PURE__ */ new Map(),
		rows: new Map(lineages.map((lineage, row) => [lineage, row]))
	};
	for (const [id, round, row, state, committed, files] of items) put(table, {
		id,
		round,
		row,
		state,
		committed,
		files
	});
	return table;
}
function put(table, cell) {
	const column = table.cells.get(cell.round);
	if (column) column[cell.row] = cell;
	table.byId.set(cell.id, cell);
}
/**
* Takes in what has changed and gives its cell. Null if the table must be loaded again: it has no place for it, or shows an
* item done that is not, which happens when a session was deleted and another one has its name.
*/
function takeIn(table, changed) {
	const [id, round, lineage, state, committed, files] = changed;
	const row = table.rows.get(lineage);
	const before = table.byId.get(id);
	const other = before?.state === "done" && before.committed !== committed;
	if (row === void 0 || !table.cells.has(round) || other) return null;
	const cell = {
		id,
		round,
		row,
		state,
		committed,
		files
	};
	put(table, cell);
	return cell;
}
/** The item in a column of the grid. Column 0 shows the sources of the first round if there are any, column 1 its results. */
function cellAt(table, row, column) {
	const round = column || table.sources ? table.rounds[Math.max(column - 1, 0)] : void 0;
	return round === void 0 ? void 0 : table.cells.get(round)?.[row];
}
function isSame(one, other) {
	return one?.id === other?.id && one?.state === other?.state && one?.committed === other?.committed && one?.files === other?.files;
}
/** The next item above (-1) or below (1) in the same round. */
function across(table, cell, step) {
	const column = table.cells.get(cell.round) ?? [];
	for (let row = cell.row + step; row >= 0 && row < column.length; row += step) if (column[row]) return column[row];
}
/** The item of the same lineage in the round before (-1) or after (1). */
function along(table, cell, step) {
	return table.cells.get(cell.round + step)?.[cell.row];
}
/** First and last number, exclusive, of what is to be drawn of `count` things of one size, with a margin of one or two. */
function span(start, length, size, count) {
	const first = Math.max(0, Math.floor(start / size) - 1);
	return [Math.min(first, count), Math.min(count, Math.ceil((start + length) / size) + 1)];
}
// src/gallery/thumbnails.ts
var SETTLED = 80;
/** So many load at a time: a browser keeps six connections to a server, and Run is not to wait for one of them. */
var AT_ONCE = 4;
function makeThumbnails() {
	const wanted = /* @__PURE__ */ new Map();
	const loading = /* @__PURE__ */ new Set();
	let timer;
	const load = () => {
		timer = void 0;
		for (const [image, address] of wanted) {
			if (loading.size === AT_ONCE) return;
			wanted.delete(image);
			loading.add(image);
			for (const end of ["load", "error"]) image.addEventListener(end, () => over(image), { once: true });
			image.src = address;
		}
	};
	const loadSoon = () => {
		timer ??= setTimeout(load);
	};
	const over = (image) => {
		if (loading.delete(image)) loadSoon();
	};
	return {
		want(image, address) {
			wanted.set(image, address);
			loadSoon();
		},
		drop(image) {
			wanted.delete(image);
			image.removeAttribute("src");
			over(image);
		},
		scrolled() {
			clearTimeout(timer);
			timer = setTimeout(load, SETTLED);
		}
	};
}
// src/gallery/cell.ts
var LOST = "resonance-lost";
/** Whether the cell's picture could not be loaded. */
var isLost = (element) => !!element.querySelector(`.${LOST}`);
function fillCell(element, shown, thumbnails) {
	const { session, cell, source } = shown;
	element.ariaLabel = element.title = nameOf(shown);
	element.classList.toggle("resonance-nothing", !cell);
	const address = cell ? pictureUrl(session, cell, source ? "source" : 1) : "";
	const before = element.querySelector("img");
	if (source && before?.dataset["address"] === address) return;
	if (before) thumbnails.drop(before);
	if (!cell) element.replaceChildren();
	else if (!source && (cell.state !== "done" || cell.files === 0)) element.replaceChildren(sign(SIGNS[cell.state], stateName(cell.state)));
	else {
		const image = h("img", {
			alt: "",
			decoding: "async",
			draggable: false,
			fetchPriority: "low"
		});
		image.dataset["address"] = address;
		image.onerror = () => image.replaceWith(sign("?", t("gallery.missing"), `resonance-sign ${LOST}`));
		thumbnails.want(image, address);
		element.replaceChildren(image);
		if (!source && cell.files > 1) element.append(h("span", {
			className: "resonance-count",
			ariaHidden: "true",
			textContent: String(cell.files)
		}));
	}
}
function nameOf({ lineage, cell, source }) {
	if (!cell) return t("gallery.nothing", { lineage });
	if (source) return t("gallery.start_cell", { lineage });
	return t("gallery.cell", {
		lineage,
		round: cell.round,
		state: stateName(cell.state)
	});
}
function sign(mark, name, className = "resonance-sign") {
	return h("span", { className }, h("span", {
		ariaHidden: "true",
		textContent: mark
	}), name);
}
// src/gallery/grid.ts
/** Pixels: width of the row heads, height of the column heads, space between cells. */
var HEAD = 68;
var TOP = 26;
var GAP = 4;
/** Takes elements away that are not wanted any more, and makes those that are missing. */
function sync(shown, wanted, make, drop) {
	for (const [number, old] of shown) {
		if (wanted.has(number)) continue;
		drop(old);
		shown.delete(number);
	}
	for (const number of wanted) if (!shown.has(number)) shown.set(number, make(number));
}
function numbers([first, end], active, count) {
	const found = /* @__PURE__ */ new Set();
	for (let n = first; n < end; n++) found.add(n);
	if (active < count) found.add(active);
	return found;
}
/** @param open is called with the item of a cell that was chosen, and whether the cell shows its source. */
function makeGrid(size, open) {
	let session = "";
	let table = EMPTY;
	let step = size + GAP;
	let active = {
		row: 0,
		column: 0
	};
	let frame = 0;
	const rows = /* @__PURE__ */ new Map();
	const heads = /* @__PURE__ */ new Map();
	const thumbnails = makeThumbnails();
	const corner = h("div", {
		role: "columnheader",
		className: "resonance-grid-corner",
		textContent: t("gallery.lineage")
	});
	const headRow = h("div", {
		role: "row",
		className: "resonance-grid-top",
		ariaRowIndex: "1"
	}, corner);
	const body = h("div", {
		role: "rowgroup",
		className: "resonance-grid-rows"
	});
	const element = h("div", {
		role: "grid",
		className: "resonance-grid"
	}, h("div", {
		role: "rowgroup",
		className: "resonance-grid-heads"
	}, headRow), body);
	corner.ariaColIndex = "1";
	const columnCount = () => table.rounds.length ? table.rounds.length + 1 : 0;
	const makeHead = (column) => {
		const round = table.rounds[column - 1];
		const text = round === void 0 ? t("gallery.start") : t("gallery.round", { round });
		const head = h("div", {
			role: "columnheader",
			ariaColIndex: String(column + 2),
			textContent: text,
			title: text
		});
		head.style.left = `${HEAD + column * step}px`;
		headRow.append(head);
		return head;
	};
	const makeRow = (row) => {
		const lineage = table.lineages[row] ?? "";
		const [aspect, scale, prompt] = table.told[row] ?? [];
		const combines = aspect === void 0 ? "" : t("gallery.combines", {
			aspect,
			scale: String(scale)
		});
		const head = h("div", {
			role: "rowheader",
			ariaColIndex: "1",
			title: prompt ?? lineage
		}, h("span", {}, lineage));
		if (combines) head.append(h("small", {}, combines));
		const element = h("div", {
			role: "row",
			className: "resonance-grid-row",
			ariaRowIndex: String(row + 2)
		}, head);
		element.style.top = `${row * step}px`;
		body.append(element);
		return {
			element,
			cells: /* @__PURE__ */ new Map()
		};
	};
	const makeCell = (into, row, column) => {
		const element = h("div", {
			role: "gridcell",
			tabIndex: -1,
			ariaColIndex: String(column + 2)
		});
		element.dataset["row"] = String(row);
		element.dataset["column"] = String(column);
		element.style.left = `${HEAD + column * step}px`;
		if (row === active.row && column === active.column) element.tabIndex = 0;
		fill(element, row, column);
		into.element.append(element);
		return element;
	};
	const dropCell = (element) => {
		for (const image of element.querySelectorAll("img")) thumbnails.drop(image);
		element.remove();
	};
	const dropRow = (row) => {
		row.cells.forEach(dropCell);
		row.element.remove();
	};
	const fill = (element, row, column) => {
		fillCell(element, {
			session,
			lineage: table.lineages[row] ?? "",
			cell: cellAt(table, row, column),
			source: column === 0
		}, thumbnails);
	};
	const draw = () => {
		frame = 0;
		const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
		if (!clientWidth) return;
		const across = numbers(span(scrollLeft, clientWidth - HEAD, step, columnCount()), active.column, columnCount());
		const count = table.lineages.length;
		const down = numbers(span(scrollTop, clientHeight - TOP, step, count), active.row, count);
		sync(heads, across, makeHead, (head) => head.remove());
		sync(rows, down, makeRow, dropRow);
		for (const [number, row] of rows) sync(row.cells, across, (column) => makeCell(row, number, column), dropCell);
	};
	/** Tells the browser and screen readers how large the whole grid is. */
	const measure = () => {
		element.ariaLabel = t("gallery.grid", { session });
		element.ariaRowCount = String(table.lineages.length + 1);
		element.ariaColCount = String(columnCount() + 1);
		element.style.setProperty("--step", `${step}px`);
		body.style.height = `${table.lineages.length * step}px`;
		body.style.width = headRow.style.width = `${HEAD + columnCount() * step}px`;
	};
	/** Forgets what is drawn and draws it anew, for another table or size. */
	const rebuild = () => {
		const focused = element.contains(document.activeElement);
		rows.forEach(dropRow);
		rows.clear();
		heads.forEach((head) => head.remove());
		heads.clear();
		measure();
		draw();
		if (focused) at(active)?.focus({ preventScroll: true });
	};
	/** Takes a later table of the same session. What is drawn stays where it is if that is still its place. */
	const update = (next) => {
		const before = table;
		table = next;
		if (before.rounds.every((round, n) => next.rounds[n] === round) && [...rows.keys()].every((row) => before.lineages[row] === next.lineages[row])) {
			measure();
			for (const [row, { cells }] of rows) for (const [column, drawn] of cells) if (isLost(drawn) || !isSame(cellAt(before, row, column), cellAt(next, row, column))) fill(drawn, row, column);
			draw();
			return;
		}
		const top = Math.floor(element.scrollTop / step);
		const moved = (row) => next.rows.get(before.lineages[row] ?? "") ?? row;
		const scrolled = (moved(top) - top) * step;
		active = {
			row: moved(active.row),
			column: active.column
		};
		rebuild();
		if (scrolled) element.scrollTop += scrolled;
	};
	const at = ({ row, column }) => rows.get(row)?.cells.get(column);
	const activate = (place) => {
		const before = at(active);
		if (before) before.tabIndex = -1;
		active = place;
		const now = at(active);
		if (now) now.tabIndex = 0;
	};
	const go = (row, column) => {
		activate({
			row: Math.max(0, Math.min(row, table.lineages.length - 1)),
			column: Math.max(0, Math.min(column, columnCount() - 1))
		});
		const into = (scroll, room, start) => start < scroll ? start : Math.max(scroll, start + step - room);
		element.scrollTop = into(element.scrollTop, element.clientHeight - TOP, active.row * step);
		element.scrollLeft = into(element.scrollLeft, element.clientWidth - HEAD, active.column * step);
		draw();
		at(active)?.focus({ preventScroll: true });
	};
	const choose = ({ row, column }) => {
		const cell = cellAt(table, row, column);
		if (cell) open(cell, column === 0);
	};
	const placeOf = (target) => {
		const cell = target.closest("[role=gridcell]");
		return cell ? {
			row: Number(cell.dataset["row"]),
			column: Number(cell.dataset["column"])
		} : void 0;
	};
	element.addEventListener("scroll", () => {
		thumbnails.scrolled();
		frame ||= requestAnimationFrame(draw);
	});
	element.addEventListener("focusin", (event) => {
		const place = placeOf(event.target);
		if (place) activate(place);
	});
	element.addEventListener("click", (event) => {
		const place = placeOf(event.target);
		if (place) choose(place);
	});
	element.addEventListener("keydown", (event) => {
		if (event.altKey || event.metaKey || event.ctrlKey && event.key !== "Home" && event.key !== "End") return;
		const { row, column } = active;
		const page = Math.max(1, Math.floor((element.clientHeight - TOP) / step));
		const act = {
			ArrowUp: () => go(row - 1, column),
			ArrowDown: () => go(row + 1, column),
			ArrowLeft: () => go(row, column - 1),
			ArrowRight: () => go(row, column + 1),
			Home: () => go(event.ctrlKey ? 0 : row, 0),
			End: () => go(event.ctrlKey ? table.lineages.length : row, columnCount()),
			PageUp: () => go(row - page, column),
			PageDown: () => go(row + page, column),
			Enter: () => choose(active),
			" ": () => choose(active)
		}[event.key];
		if (!act) return;
		event.preventDefault();
		event.stopPropagation();
		act();
	});
	const observer = new ResizeObserver(draw);
	observer.observe(element);
	return {
		element,
		show(shown, next) {
			if (shown === session) return update(next);
			session = shown;
			table = next;
			active = {
				row: 0,
				column: 0
			};
			element.scrollTo(0, 0);
			rebuild();
		},
		refresh(cell) {
			const columns = cell.round === table.rounds[0] ? [0, 1] : [table.rounds.indexOf(cell.round) + 1];
			for (const column of columns) {
				const element = at({
					row: cell.row,
					column
				});
				if (element) fill(element, cell.row, column);
			}
		},
		resize(size) {
			const { scrollTop, scrollLeft } = element;
			const scale = (size + GAP) / step;
			step = size + GAP;
			rebuild();
			element.scrollTo(scrollLeft * scale, scrollTop * scale);
		},
		focus(cell) {
			const column = table.rounds.indexOf(cell.round) + 1;
			const shown = active.column === 0 && column === 1 && active.row === cell.row ? 0 : column;
			go(cell.row, shown);
		},
		close() {
			observer.disconnect();
			cancelAnimationFrame(frame);
			rows.forEach(dropRow);
		}
	};
}
// src/gallery/header.ts
var isShown = (element) => !element.hidden;
function makeHeader(wishes) {
	const picker = h("select", { ariaLabel: t("gallery.session") });
	picker.addEventListener("change", () => wishes.choose(picker.value));
	const bar = h("progress", { ariaLabel: t("gallery.round_progress") });
	const line = h("p", { className: "resonance-line" });
	const alert = h("p", {
		role: "alert",
		className: "resonance-error"
	});
	const button = (text, act) => {
		const made = h("button", {
			type: "button",
			textContent: text
		});
		made.addEventListener("click", act);
		return made;
	};
	const acts = {
		pause: button(t("gallery.pause"), () => wishes.act("pause")),
		resume: button(t("gallery.resume"), () => wishes.act("resume")),
		retry: button(t("gallery.retry"), () => wishes.act("retry")),
		remake: button(t("gallery.remake"), () => wishes.act("remake"))
	};
	const slider = h("input", {
		type: "range",
		min: "48",
		max: "192",
		step: "16",
		value: String(wishes.size)
	});
	slider.ariaLabel = slider.title = t("gallery.size");
	slider.addEventListener("input", () => wishes.resize(Number(slider.value)));
	const large = button(t("gallery.large"), wishes.enlarge);
	const nothing = h("p", {
		textContent: t("gallery.no_session"),
		hidden: true
	});
	const unreadable = h("summary", {});
	const reasons = h("ul", {});
	const unread = h("details", {
		className: "resonance-unread",
		hidden: true
	}, unreadable, reasons);
	const options = /* @__PURE__ */ new Map();
	const tools = h("div", { className: "resonance-tools" }, ...Object.values(acts), slider, large);
	const rest = [
		picker,
		bar,
		line,
		tools
	];
	for (const each of rest) each.hidden = true;
	return {
		element: h("header", {}, nothing, ...rest, unread, alert),
		show(sessions, current, idle) {
			const shown = new Map([...sessions].map((status) => [status.session, status]));
			for (const [session, status] of shown) {
				let option = options.get(session);
				if (!option) {
					option = h("option", { value: session });
					options.set(session, option);
					picker.append(option);
				}
				showText(option, sessionLine(status));
			}
			for (const [session, option] of options) {
				if (shown.has(session)) continue;
				option.remove();
				options.delete(session);
			}
			const status = shown.get(current);
			const focused = document.activeElement;
			nothing.hidden = !!status;
			for (const each of rest) each.hidden = !status;
			if (!status) return;
			if (picker.value !== current) picker.value = current;
			bar.max = Math.max(status.total, 1);
			bar.value = status.done;
			line.textContent = progress(status, idle);
			const stopped = status.state === "paused" || status.state === "open" && idle;
			acts.pause.hidden = status.state !== "open" || idle;
			acts.resume.hidden = !stopped;
			acts.retry.hidden = status.failed === 0;
			acts.remake.hidden = status.removed === 0;
			if (focused?.hidden && tools.contains(focused)) [...tools.children].find(isShown)?.focus();
		},
		cannotRead(sessions) {
			unread.hidden = !sessions.length;
			showText(unreadable, t("gallery.unread", { n: sessions.length }));
			reasons.replaceChildren(...sessions.map((each) => h("li", { textContent: `${each.session}: ${each.unread}` })));
		},
		complain(text) {
			alert.textContent = text;
		},
		enlarged(on) {
			large.textContent = t(on ? "gallery.small" : "gallery.large");
		}
	};
}
// src/gallery/actions.ts
var LOADER = "LoadImage";
/** Puts the picture into the Load Image that is selected, else into the only one that takes it, else into a new one. */
function sendToLoadImage({ subfolder, filename, type }) {
	const isLoader = ({ type, inputs = [] }) => type === LOADER && !inputs.some(({ name, link }) => name === "image" && link != null);
	const loaders = (app.canvas.graph ?? app.graph).nodes.filter(isLoader);
	const widget = (selectedNodes().find(isLoader) ?? (loaders.length === 1 ? loaders[0] : void 0) ?? addNode(LOADER))?.widgets?.find(({ name }) => name === "image");
	if (!widget) throw new Error(t("gallery.no_loader"));
	const value = `${subfolder}/${filename} [${type}]`;
	const { values } = widget.options;
	if (Array.isArray(values) && !values.includes(value)) values.push(value);
	widget.value = value;
	widget.callback?.(value);
	captureUndo();
}
/** Opens the workflow that the picture was saved with. What ComfyUI does not read itself, `carried` asks the server for. */
async function loadWorkflow(picture, carried) {
	if (!picture.filename.endsWith(".png")) {
		const { workflow, prompt } = await carried();
		const graph = workflow ?? prompt;
		if (!graph) throw new Error(t("gallery.no_workflow"));
		return await app.handleFile(new File([graph], `${picture.filename}.json`, { type: "application/json" }));
	}
	const answer = await fetch(viewUrl(picture));
	if (!answer.ok) throw new Error(`${picture.filename}: ${answer.status} ${answer.statusText}`);
	const data = await answer.arrayBuffer();
	if (!hasGraph(data)) throw new Error(t("gallery.no_workflow"));
	await app.handleFile(new File([data], picture.filename, { type: "image/png" }));
}
/** Whether a PNG has a workflow or a prompt among its texts. kohya's scripts write words as `prompt`, which is no graph. */
function hasGraph(png) {
	const view = new DataView(png);
	const text = (start, length) => String.fromCharCode(...new Uint8Array(png, start, length));
	for (let at = 8; at + 20 <= png.byteLength; at += view.getUint32(at) + 12) if (/tEXt|iTXt/.test(text(at + 4, 4)) && /^(workflow\0|prompt\0(\0{4})?\s*\{)/.test(text(at + 8, Math.min(24, png.byteLength - at - 8)))) return true;
	return false;
}
// src/gallery/plot.ts
var WIDTH = 320;
var HEIGHT = 226;
var LEFT = 34;
var RIGHT = 302;
/** Of more points than this the dots would hide the line. */
var DOTS = 40;
var kept = (point) => point.kept === null ? null : Math.round(point.kept * 100);
function panels() {
	const color = (name, dash, n) => ({
		name,
		dash,
		value: (point) => point.lab && Math.round(point.lab[n])
	});
	return [{
		title: t("gallery.kept_axis"),
		top: 22,
		bottom: 82,
		low: 0,
		high: 100,
		lines: [{
			name: "",
			dash: "",
			value: kept
		}]
	}, {
		title: t("gallery.lab_axis"),
		top: 114,
		bottom: 190,
		low: -100,
		high: 100,
		lines: [
			color("L", "", 0),
			color("a", "6 3", 1),
			color("b", "2 3", 2)
		]
	}];
}
/** @param go is called with the item of the round that was chosen. */
function makePlot({ points, every }, current, go) {
	const first = points[0]?.round ?? 0;
	const last = points.at(-1)?.round ?? 0;
	const x = (round) => last === first ? 168 : LEFT + (round - first) / (last - first) * 268;
	const drawing = svg("svg", {
		viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
		role: "img",
		"aria-label": t("gallery.drift_alt", {
			first,
			last
		}),
		class: "resonance-plot"
	});
	const shown = points.find((point) => point.id === current);
	const all = panels();
	for (const panel of all) {
		drawPanel(drawing, panel, points, x);
		if (!shown) continue;
		const at = x(shown.round);
		drawing.append(svg("line", {
			x1: at,
			x2: at,
			y1: panel.top,
			y2: panel.bottom,
			class: "resonance-now"
		}));
	}
	const axis = [first, ...last > first ? [last] : []];
	for (const round of axis) drawing.append(svg("text", {
		x: x(round),
		y: 207,
		class: "resonance-middle"
	}, String(round)));
	drawing.append(svg("text", {
		x: 168,
		y: 222,
		class: "resonance-middle"
	}, t("gallery.round_axis")));
	const room = Math.min(1, every / (last - first || 1)) * 268;
	for (const point of points) {
		const hit = svg("rect", {
			x: x(point.round) - room / 2,
			y: 0,
			width: room,
			height: HEIGHT,
			class: "resonance-hit"
		});
		hit.dataset["round"] = String(point.round);
		hit.append(svg("title", {}, describe(point)));
		hit.addEventListener("click", () => go(point.id));
		drawing.append(hit);
	}
	const note = every > 1 ? [h("p", { textContent: t("gallery.every", { n: every }) })] : [];
	return h("div", {}, drawing, ...note, makeTable(points, shown, go));
}
function drawPanel(drawing, panel, points, x) {
	const { top, bottom, low, high } = panel;
	const y = (value) => bottom - (Math.min(Math.max(value, low), high) - low) / (high - low) * (bottom - top);
	drawing.append(svg("text", {
		x: 2,
		y: top - 9
	}, panel.title));
	for (const tick of [
		low,
		(low + high) / 2,
		high
	]) drawing.append(svg("line", {
		x1: LEFT,
		x2: RIGHT,
		y1: y(tick),
		y2: y(tick),
		class: "resonance-tick"
	}), svg("text", {
		x: 29,
		y: y(tick) + 3.5,
		class: "resonance-end"
	}, String(tick)));
	const ends = [];
	for (const { name, dash, value } of panel.lines) {
		const known = points.flatMap((point) => {
			const found = value(point);
			return found === null ? [] : [[x(point.round), y(found)]];
		});
		const end = known.at(-1);
		if (!end) continue;
		drawing.append(svg("polyline", {
			points: known.map((at) => at.join()).join(" "),
			"stroke-dasharray": dash,
			class: "resonance-line"
		}), ...(known.length > DOTS ? [] : known).map(([cx, cy]) => svg("circle", {
			cx,
			cy,
			r: 2.5
		})));
		ends.push([end[1] + 3.5, name]);
	}
	let free = -Infinity;
	for (const [wanted, name] of ends.sort(([one], [other]) => one - other)) {
		const height = Math.max(wanted, free);
		drawing.append(svg("text", {
			x: 308,
			y: height
		}, name));
		free = height + 10;
	}
}
function values(point) {
	const share = kept(point);
	return [share === null ? "–" : `${share} %`, ...point.lab?.map((value) => value.toFixed(1)) ?? [
		"–",
		"–",
		"–"
	]];
}
function describe(point) {
	const [share = "", L = "", a = "", b = ""] = values(point);
	return t("gallery.point", {
		round: point.round,
		kept: share,
		L,
		a,
		b
	});
}
function makeTable(points, shown, go) {
	const heads = [
		t("gallery.round_axis"),
		t("gallery.kept"),
		"L",
		"a",
		"b"
	];
	const rows = points.map((point) => {
		const button = h("button", {
			type: "button",
			textContent: String(point.round)
		});
		button.ariaLabel = t("gallery.round", { round: point.round });
		button.addEventListener("click", () => go(point.id));
		const row = h("tr", {}, h("th", { scope: "row" }, button), ...values(point).map((text) => h("td", {}, text)));
		if (point === shown) row.ariaCurrent = "true";
		return row;
	});
	return h("details", {}, h("summary", { textContent: t("gallery.as_table") }), h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", {
		scope: "col",
		textContent: head
	})))), h("tbody", {}, ...rows)));
}
// src/gallery/words.ts
function describeItem(item) {
	return [
		item.error ? section(t("gallery.error"), paragraph(item.error, "resonance-error")) : null,
		item.words || item.change ? section(t("gallery.tags"), ...tags(item)) : null,
		text("gallery.caption", item.words?.caption),
		text("gallery.prompt", item.prompt),
		item.draw ? section(t("gallery.draw"), ...drawn(item.draw)) : null,
		text("gallery.source", item.source)
	].filter((part) => part !== null);
}
function section(title, ...content) {
	return h("section", {}, h("h3", { textContent: title }), ...content);
}
var paragraph = (textContent, className = "") => h("p", {
	textContent,
	className
});
var text = (title, content) => content ? section(t(title), paragraph(content)) : null;
function tags({ words, change }) {
	const said = (words?.tags ?? "").split(/[,，、]/).flatMap((tag) => tag.trim() || []);
	if (!change) return [h("ul", { className: "resonance-tags" }, ...said.map((tag) => h("li", {}, tag)))];
	const { kept, added, dropped } = change;
	return [paragraph(t("gallery.change", {
		kept: kept.length,
		added: added.length,
		dropped: dropped.length
	})), h("ul", { className: "resonance-tags" }, ...added.map((tag) => h("li", { className: "resonance-added" }, "+ ", h("ins", {}, tag))), ...dropped.map((tag) => h("li", { className: "resonance-dropped" }, "− ", h("del", {}, tag))), ...kept.map((tag) => h("li", {}, tag)))];
}
function drawn({ checkpoint, loras }) {
	const strength = (model, clip) => model === clip ? `${model}` : `${model} / ${clip}`;
	return [paragraph(checkpoint), h("ul", {}, ...loras.map((lora) => h("li", {}, `${lora.name} × ${strength(lora.model_strength, lora.clip_strength)}`)))];
}
// src/gallery/large.ts
function openLarge(from, start, startWithSource) {
	let cell = start;
	let item = null;
	let number = 0;
	let comparing = startWithSource;
	let turn = 0;
	const button = (label, act, text = label) => {
		const made = h("button", {
			type: "button",
			textContent: text,
			title: label,
			ariaLabel: label
		});
		made.addEventListener("click", () => made.ariaDisabled === "true" || act());
		return made;
	};
	const enable = (button, on) => {
		button.ariaDisabled = String(!on);
	};
	const title = h("h2", {
		id: "resonance-large-title",
		ariaLive: "polite"
	});
	const said = h("p", {
		role: "status",
		className: "resonance-said"
	});
	const alert = h("p", {
		role: "alert",
		className: "resonance-error"
	});
	const figures = h("div", { className: "resonance-figures" });
	const caption = h("figcaption");
	const choices = h("div", {
		className: "resonance-choices",
		role: "group",
		ariaLabel: t("gallery.results")
	});
	const side = h("div", { className: "resonance-side" });
	const drift = h("section", {});
	const paste = h("textarea", {
		readOnly: true,
		hidden: true,
		rows: 4,
		ariaLabel: t("gallery.copy")
	});
	const goTo = (id) => {
		const next = id == null ? void 0 : from.table().byId.get(id);
		if (next) show(next);
	};
	const step = (by) => goTo(across(from.table(), cell, by)?.id);
	const before = () => item ? item.parent : along(from.table(), cell, -1)?.id;
	const after = () => item?.children[0] ?? along(from.table(), cell, 1)?.id;
	const back = button(t("gallery.back"), () => goTo(before()), "←");
	const forth = button(t("gallery.forth"), () => goTo(after()), "→");
	const up = button(t("gallery.up"), () => step(-1), "↑");
	const down = button(t("gallery.down"), () => step(1), "↓");
	const branches = h("span", { className: "resonance-choices" });
	const compare = button(t("gallery.compare"), () => {
		comparing = !comparing;
		drawPictures();
	});
	const close = button(t("gallery.close"), () => dialog.close(), "✕");
	const withPicture = (act) => async () => {
		const picture = item?.pictures[number];
		alert.textContent = said.textContent = "";
		try {
			if (picture) await act(picture);
		} catch (error) {
			alert.textContent = error.message;
		}
	};
	const send = button(t("gallery.send"), withPicture((picture) => {
		sendToLoadImage(picture);
		said.textContent = t("gallery.sent");
	}));
	const load = button(t("gallery.load"), withPicture(async (picture) => {
		const [id, result] = [cell.id, number + 1];
		await loadWorkflow(picture, () => askWorkflow(from.session, id, result));
		dialog.close();
		from.left();
	}));
	const copyItem = button(t("gallery.copy"), async () => {
		if (!item) return;
		paste.value = item.json;
		const done = await copy(item.json);
		paste.hidden = done;
		if (!done) paste.select();
		said.textContent = t(done ? "gallery.copied" : "gallery.copy_by_hand");
	});
	const dialog = h("dialog", {
		className: "resonance-gallery resonance-large",
		tabIndex: -1
	}, h("header", {}, title, h("nav", { ariaLabel: t("gallery.move") }, back, forth, branches, up, down), close), h("div", { className: "resonance-main" }, figures, side), h("footer", {}, choices, compare, send, load, copyItem, said, alert, paste));
	dialog.setAttribute("aria-labelledby", title.id);
	const figure = (alt, address, caption) => {
		const image = h("img", {
			alt,
			src: address
		});
		image.onerror = () => image.replaceWith(h("p", {
			className: "resonance-sign",
			textContent: t("gallery.missing")
		}));
		return h("figure", {}, image, caption);
	};
	/** Draws what the table tells: the title and the pictures. */
	const drawPictures = () => {
		const lineage = from.table().lineages[cell.row] ?? "";
		const round = cell.round;
		title.textContent = t("gallery.item_title", {
			lineage,
			round
		});
		const results = cell.state === "done" ? cell.files : 0;
		const result = results ? figure(t("gallery.result_alt", {
			lineage,
			round
		}), pictureUrl(from.session, cell, number + 1, true), caption) : h("p", {
			className: "resonance-sign",
			textContent: `${SIGNS[cell.state]} ${stateName(cell.state)}`
		});
		for (const image of figures.querySelectorAll("img")) image.removeAttribute("src");
		figures.replaceChildren(result);
		if (comparing) {
			const named = h("figcaption", { textContent: t("gallery.source") });
			const address = pictureUrl(from.session, cell, "source", true);
			figures.prepend(figure(t("gallery.source_alt", {
				lineage,
				round
			}), address, named));
		}
		compare.ariaPressed = String(comparing);
		choices.hidden = results < 2;
		choices.replaceChildren(...Array.from({ length: results }, (_, n) => {
			const choice = button(t("gallery.result", { n: n + 1 }), () => choose(n), String(n + 1));
			choice.ariaPressed = String(n === number);
			return choice;
		}));
	};
	const enableMoves = () => {
		enable(back, before() != null);
		enable(forth, after() !== void 0);
		enable(up, !!across(from.table(), cell, -1));
		enable(down, !!across(from.table(), cell, 1));
	};
	/** Draws what only the item itself tells. */
	const drawItem = () => {
		caption.textContent = item?.pictures[number]?.filename ?? "";
		const children = item?.children ?? [];
		const { byId, lineages } = from.table();
		branches.replaceChildren(...(children.length < 2 ? [] : children).map((id) => button(t("gallery.branch"), () => goTo(id), lineages[byId.get(id)?.row ?? -1] ?? "?")));
		enableMoves();
		for (const each of [send, load]) enable(each, !!item?.pictures.length);
		enable(copyItem, !!item);
		enable(compare, item?.source !== null);
	};
	const choose = (n) => {
		number = n;
		drawPictures();
		drawItem();
		choices.querySelectorAll("button")[n]?.focus();
	};
	/** Keys are heard by the dialog: it takes the focus from what is gone, such as the row of the table that led here. */
	const keepFocus = () => {
		if (!dialog.contains(document.activeElement)) dialog.focus();
	};
	const show = (next) => {
		if (next.id !== cell.id) number = 0;
		cell = next;
		item = null;
		drawPictures();
		drawItem();
		keepFocus();
		fetchItem(++turn);
	};
	const fetchItem = async (mine) => {
		const { session } = from;
		alert.textContent = said.textContent = "";
		paste.hidden = true;
		side.ariaBusy = "true";
		try {
			const found = await askItem(session, cell.id);
			if (mine !== turn) return;
			item = found;
			drawItem();
			side.ariaBusy = "false";
			drift.replaceChildren();
			side.replaceChildren(...describeItem(item), drift);
			keepFocus();
			await showDrift(mine);
		} catch (error) {
			if (mine !== turn) return;
			alert.textContent = error.message;
			if (!item) side.replaceChildren();
			side.ariaBusy = "false";
		}
	};
	/** Draws the plot, and once more when the server has read all pictures of a long lineage. */
	const showDrift = async (mine) => {
		const note = h("p");
		for (let before = Infinity;;) {
			const found = await askDrift(from.session, cell.id);
			if (mine !== turn) return;
			const over = !found.missing || found.missing >= before;
			if (over || before === Infinity) {
				const open = !!drift.querySelector("details")?.open;
				const plot = makePlot(found, cell.id, goTo);
				for (const table of plot.querySelectorAll("details")) table.open = open;
				drift.replaceChildren(h("h3", { textContent: t("gallery.drift") }), plot, note);
				keepFocus();
			}
			note.textContent = over ? "" : t("gallery.no_color_yet", { n: found.missing });
			if (over) return;
			before = found.missing;
		}
	};
	dialog.addEventListener("keydown", (event) => {
		event.stopPropagation();
		if (event.ctrlKey || event.altKey || event.metaKey || event.target === paste) return;
		const act = {
			ArrowLeft: () => back.click(),
			ArrowRight: () => forth.click(),
			ArrowUp: () => up.click(),
			ArrowDown: () => down.click(),
			c: () => compare.click()
		}[event.key === "C" ? "c" : event.key];
		if (!act) return;
		event.preventDefault();
		act();
	});
	dialog.addEventListener("close", () => {
		turn = -1;
		dialog.remove();
		from.closed(cell);
	});
	document.body.append(dialog);
	dialog.showModal();
	dialog.focus();
	show(start);
	return {
		refresh() {
			const now = from.table().byId.get(cell.id) ?? cell;
			if (!isSame(now, cell)) return show(now);
			cell = now;
			enableMoves();
		},
		close: () => dialog.close()
	};
}
// src/gallery/gallery.ts
/** Milliseconds between two loads of the grid. */
var PAUSE = 1e3;
/** What a person chose, while the page is open. */
var chosen = { session: "" };
var turnedTo;
/** Shows that session, now or when the gallery is opened. */
function showSession(session) {
	chosen.session = session;
	turnedTo?.(session);
}
/** Builds the gallery in the element. Returns what closes it. */
function openGallery(element) {
	let close;
	let open = true;
	loadTexts().then(() => {
		if (open) close = build(element);
	});
	return () => {
		open = false;
		close?.();
	};
}
function build(element) {
	addStyle("resonance-gallery", gallery_default);
	const size = setting("Resonance.Gallery.Thumbnails") ?? 96;
	const sessions = /* @__PURE__ */ new Map();
	let table = EMPTY;
	let idle = true;
	let open = true;
	let broken = false;
	let large = null;
	let turn = 0;
	let missed = null;
	let loaded = -Infinity;
	let timer;
	const failed = (error) => header.complain(error.message);
	/** Like `failed`, until the grid is there. */
	const broke = (error) => {
		broken = true;
		failed(error);
	};
	/** Until the grid of another session is there, none of its cells can be taken for one of the session before. */
	const turnTo = (session) => {
		chosen.session = session;
		turn++;
		table = EMPTY;
		large?.close();
		grid.show(session, table);
	};
	const showHeader = () => header.show(sessions.values(), chosen.session, idle);
	const list = async () => {
		const [found, { exec_info: queue }] = await Promise.all([askSessions(), ask("/prompt")]);
		if (!open) return;
		idle = !queue.queue_remaining;
		sessions.clear();
		const unread = [];
		for (const each of found) if ("unread" in each) unread.push(each);
		else sessions.set(each.session, each);
		header.cannotRead(unread);
		if (!sessions.has(chosen.session)) turnTo([...sessions.keys()][0] ?? "");
		showHeader();
	};
	/** Loads the grid, of a session that is not shown yet first the first rows; what is heard meanwhile is taken in afterwards. */
	const load = async () => {
		const session = chosen.session;
		if (!session || !open) return;
		const mine = ++turn;
		const late = [];
		missed = late;
		loaded = performance.now();
		try {
			const answer = await askGrid(session, table === EMPTY);
			if (mine !== turn) return;
			table = makeTable$1(answer);
			sessions.set(session, answer.status);
			grid.show(session, table);
			large?.refresh();
			showHeader();
			if (broken) header.complain("");
			broken = false;
			if (answer.more) return load();
		} catch (error) {
			if (mine !== turn) return;
			broke(error);
		}
		missed = null;
		for (const news of late) hear(news);
	};
	const loadSoon = () => {
		timer ??= setTimeout(() => {
			timer = void 0;
			load();
		}, Math.max(0, loaded + PAUSE - performance.now()));
	};
	const hear = (news) => {
		sessions.set(news.session, news);
		if (!chosen.session) choose(news.session);
		showHeader();
		if (news.session !== chosen.session) return;
		if (missed) {
			missed.push(news);
			return;
		}
		const cell = news.changed && takeIn(table, news.changed);
		if (!cell) return loadSoon();
		grid.refresh(cell);
		large?.refresh();
	};
	const choose = (session) => {
		turnTo(session);
		header.complain("");
		showHeader();
		load();
	};
	const act = async (name) => {
		header.complain("");
		try {
			await command(chosen.session, name);
		} catch (error) {
			failed(error);
		}
	};
	const again = () => {
		list().then(loadSoon, broke);
	};
	const grid = makeGrid(size, (cell, source) => {
		large = openLarge({
			session: chosen.session,
			table: () => table,
			closed(last) {
				large = null;
				if (open) grid.focus(last);
			},
			left: () => frame?.close()
		}, cell, source);
	});
	const header = makeHeader({
		size,
		choose,
		act: (name) => void act(name),
		resize(size) {
			app.extensionManager.setting.set(THUMBNAILS, size);
			grid.resize(size);
		},
		enlarge: () => frame ? frame.close() : enlarge()
	});
	const root = h("div", { className: "resonance-gallery" }, header.element, grid.element);
	root.addEventListener("keydown", (event) => {
		if (event.key === "Delete" || event.key === "Backspace") event.stopPropagation();
	});
	element.style.height = "100%";
	element.append(root);
	let frame = null;
	const enlarge = () => {
		const dialog = h("dialog", {
			className: "resonance-frame",
			ariaLabel: t("gallery.title")
		});
		frame = dialog;
		const move = (into) => {
			const { scrollLeft, scrollTop } = grid.element;
			into.append(root);
			header.enlarged(into === dialog);
			grid.element.scrollTo(scrollLeft, scrollTop);
		};
		dialog.addEventListener("keydown", (event) => event.stopPropagation());
		dialog.addEventListener("close", () => {
			frame = null;
			if (open) move(element);
			dialog.remove();
		});
		document.body.append(dialog);
		dialog.showModal();
		move(dialog);
	};
	const quiet = [
		on("resonance.rounds", hear),
		on("reconnected", again),
		on("status", (status) => {
			idle = !status?.exec_info?.queue_remaining;
			showHeader();
		})
	];
	list().then(load, broke);
	turnedTo = (session) => {
		if (sessions.has(session)) choose(session);
		else again();
	};
	return () => {
		turnedTo = void 0;
		for (const stop of quiet) stop();
		clearTimeout(timer);
		turn++;
		open = false;
		large?.close();
		frame?.close();
		grid.close();
		root.remove();
	};
}
export { openGallery, showSession };
