import { i as h, r as addStyle, y as t } from "./resonance.js";
import { t as words_default } from "./words-D2LDYyAI.mjs";
// src/canvas/exchange.ts
var panels = () => import("./exchange_panels-DOHnVA6j.mjs");
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
export { exchange as t };
