import { H as t, b as addStyle, x as h } from "./resonance.js";
import { d as LETTERS, l as CanvasError, v as readList, y as write } from "./effective-CUuSsUpo.mjs";
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
// src/canvas/locate.ts
/** The first place at which a text is not JSON; null if it is. */
function fault(text) {
	return walk(text, () => false);
}
/** Where the value begins that a path leads to, or the nearest one around it. */
function locate(text, path) {
	let found = 0;
	walk(text, (at, open) => {
		if (open.length > path.length || !open.every((step, i) => step === path[i])) return false;
		found = at;
		return open.length === path.length;
	});
	return found;
}
function position(text, offset) {
	let [line, begin] = [1, 0];
	for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) {
		line += 1;
		begin = at + 1;
	}
	return {
		line,
		column: offset - begin + 1
	};
}
var LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
var ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
/**
* Goes through all values of a text, without recursion: nesting has no limit. `visit` is told where each one begins and
* the path that leads to it, and ends the walk with true.
*/
function walk(text, visit) {
	const path = [];
	let at = 0;
	let wanted = "value";
	const skip = () => {
		while (at < text.length && " 	\n\r".includes(text.charAt(at))) at += 1;
	};
	const close = () => {
		at += 1;
		path.pop();
		wanted = "next";
	};
	for (;;) {
		skip();
		const letter = text.charAt(at);
		if (wanted === "next") {
			const step = path.at(-1);
			if (step === void 0) return letter ? {
				offset: at,
				kind: "more"
			} : null;
			const isList = typeof step === "number";
			if (letter === (isList ? "]" : "}")) close();
			else if (letter === ",") {
				at += 1;
				if (isList) path[path.length - 1] = step + 1;
				wanted = isList ? "value" : "key";
			} else return {
				offset: at,
				kind: isList ? "list" : "object"
			};
		} else if (wanted === "key" || wanted === "member") {
			if (wanted === "member" && letter === "}") {
				close();
				continue;
			}
			if (letter !== "\"") return {
				offset: at,
				kind: letter ? "key" : "end"
			};
			const begin = at;
			const wrong = string();
			if (wrong) return wrong;
			path[path.length - 1] = JSON.parse(text.slice(begin, at));
			skip();
			if (text.charAt(at) !== ":") return {
				offset: at,
				kind: "colon"
			};
			at += 1;
			wanted = "value";
		} else if (wanted === "item" && letter === "]") close();
		else {
			if (visit(at, path)) return null;
			wanted = "next";
			if (letter === "[") {
				at += 1;
				path.push(0);
				wanted = "item";
			} else if (letter === "{") {
				at += 1;
				path.push("");
				wanted = "member";
			} else if (letter === "\"") {
				const wrong = string();
				if (wrong) return wrong;
			} else {
				LITERAL.lastIndex = at;
				const length = LITERAL.exec(text)?.[0].length ?? 0;
				if (!length) return {
					offset: at,
					kind: letter ? "value" : "end"
				};
				at += length;
			}
		}
	}
	/** Goes behind the text in quotation marks that begins here. */
	function string() {
		const begin = at;
		for (at += 1;; at += 1) {
			const code = text.charCodeAt(at);
			if (code === 34) break;
			if (!(code >= 32)) return code === 10 || Number.isNaN(code) ? {
				offset: begin,
				kind: "string"
			} : {
				offset: at,
				kind: "escape"
			};
			if (code !== 92) continue;
			ESCAPE.lastIndex = at;
			const length = ESCAPE.exec(text)?.[0].length;
			if (!length) return {
				offset: at,
				kind: "escape"
			};
			at += length - 1;
		}
		at += 1;
		return null;
	}
}
// src/canvas/source.css?inline
var source_default = ".resonance-source {\n  display: flex;\n  flex-direction: column;\n  gap: 6px;\n  box-sizing: border-box;\n  height: 100%;\n  min-height: 0;\n  padding: 8px 14px;\n\n  & .text {\n    display: flex;\n    flex: 1;\n    min-height: 0;\n    border: 1px solid var(--border-color, #4e4e4e);\n    border-radius: 4px;\n    background: var(--comfy-input-bg, #222);\n    font: 13px/18px monospace;\n    text-rendering: optimizeSpeed;\n    overflow: hidden;\n  }\n  & .text textarea {\n    flex: 1;\n    margin: 0;\n    padding: 0 6px;\n    border: 0;\n    border-radius: 0;\n    font: inherit;\n    resize: none;\n  }\n  & .numbers {\n    flex: none;\n    min-width: 3ch;\n    padding: 0 6px;\n    border-right: 1px solid var(--border-color, #4e4e4e);\n    color: var(--descrip-text, #aaa);\n    text-align: right;\n    overflow: hidden;\n    user-select: none;\n  }\n  & .numbers div {\n    position: relative;\n    top: var(--from, 0);\n  }\n  & .numbers .wrong {\n    margin: 0 -6px;\n    padding: 0 6px;\n    background: #b3261e;\n    color: #fff;\n  }\n  & .foot {\n    display: flex;\n    align-items: center;\n    gap: 6px;\n    min-height: 30px;\n  }\n  & .says {\n    flex: 1;\n    max-height: 6em;\n    overflow: auto;\n  }\n  & .foot button {\n    flex: none;\n  }\n}\n";
// src/canvas/source_text.ts
var source_text_exports = /* @__PURE__ */ __exportAll({ sourceText: () => sourceText });
var PAUSE = 300;
/** Letters from which on a text is read after a longer pause. */
var LARGE = 5e5;
var LONG_PAUSE = 900;
/** Pixels, as in source.css. */
var LINE = 18;
/** The text of a canvas in a box of its own. For the arguments see `source`. */
function sourceText(state, text, problem) {
	addStyle("resonance-source", source_default);
	const box = h("textarea", {
		wrap: "off",
		spellcheck: false,
		ariaLabel: t("json.text"),
		autocomplete: "off"
	});
	const numbers = h("div", {
		className: "numbers",
		ariaHidden: "true"
	});
	const says = h("p", { className: "says" });
	says.setAttribute("role", "status");
	const go = h("button", {
		type: "button",
		textContent: t("json.go"),
		hidden: true
	});
	const giveUp = h("button", {
		type: "button",
		textContent: t("json.give_up"),
		title: t("json.give_up_tip"),
		hidden: true
	});
	const element = h("section", {
		className: "resonance-source",
		ariaLabel: t("json.text")
	}, h("div", { className: "text" }, numbers, box), h("div", { className: "foot" }, says, go, giveUp));
	let wrong = "";
	let mark = null;
	let lines = 1;
	let own = false;
	let timer;
	let written = null;
	const drawNumbers = () => {
		const first = Math.floor(box.scrollTop / LINE);
		const count = Math.min(lines - first, Math.ceil(box.clientHeight / LINE) + 1);
		numbers.style.setProperty("--from", `${first * LINE - box.scrollTop}px`);
		numbers.replaceChildren(...Array.from({ length: Math.max(count, 1) }, (_, i) => {
			const line = first + i + 1;
			return h("div", {
				textContent: String(line),
				className: line === mark?.line ? "wrong" : ""
			});
		}));
	};
	const say = (message, offset) => {
		mark = offset === null ? null : {
			offset,
			...position(box.value, offset)
		};
		wrong = message && mark ? t("json.at", {
			line: mark.line,
			column: mark.column,
			message
		}) : message;
		says.textContent = wrong;
		box.ariaInvalid = String(wrong !== "");
		go.hidden = !mark;
		giveUp.hidden = !wrong;
		drawNumbers();
	};
	const put = (value) => {
		box.value = value;
		lines = countLines(value);
	};
	/** Takes the text over, or says why that cannot be. */
	const follow = () => {
		clearTimeout(timer);
		timer = void 0;
		lines = countLines(box.value);
		const found = parse(box.value);
		if ("canvas" in found) {
			say("", null);
			written = state.canvas;
			if (write(found.canvas) === write(state.canvas)) return;
			own = true;
			state.commit(found.canvas);
			own = false;
			written = state.canvas;
		} else say(found.message, found.offset);
	};
	/** The text of the canvas, unless what is there has not been understood yet. */
	const refresh = () => {
		if (own || timer !== void 0 || wrong || written === state.canvas || element.closest("[hidden]")) return;
		written = state.canvas;
		put(write(state.canvas));
		drawNumbers();
	};
	box.addEventListener("input", () => {
		clearTimeout(timer);
		timer = setTimeout(follow, box.value.length > LARGE ? LONG_PAUSE : PAUSE);
		drawNumbers();
	});
	box.addEventListener("scroll", drawNumbers);
	new ResizeObserver(drawNumbers).observe(box);
	go.addEventListener("click", () => {
		if (!mark) return;
		box.focus();
		box.setSelectionRange(mark.offset, mark.offset);
		box.scrollTop = (mark.line - 1) * LINE - box.clientHeight / 3;
	});
	giveUp.addEventListener("click", () => {
		clearTimeout(timer);
		timer = void 0;
		written = null;
		say("", null);
		refresh();
		box.focus();
	});
	state.subscribe(refresh);
	if (problem) {
		put(text);
		say(problem, null);
	}
	return {
		element,
		problem() {
			if (timer !== void 0) follow();
			return wrong;
		},
		shown() {
			refresh();
			drawNumbers();
		}
	};
}
function parse(text) {
	if (text.length > LETTERS) return {
		message: t("json.long", { most: LETTERS.toLocaleString() }),
		offset: null
	};
	try {
		const canvas = readList(JSON.parse(text));
		if (canvas.regions.length <= 500) return { canvas };
		return {
			message: t("json.many", {
				count: canvas.regions.length,
				most: 500
			}),
			offset: null
		};
	} catch (error) {
		if (error instanceof CanvasError) return {
			message: error.message,
			offset: locate(text, error.path)
		};
		const found = fault(text);
		return found ? {
			message: t(`json.${found.kind}`),
			offset: found.offset
		} : {
			message: error.message,
			offset: null
		};
	}
}
function countLines(text) {
	let count = 1;
	for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
	return count;
}
export { source_text_exports as t };
