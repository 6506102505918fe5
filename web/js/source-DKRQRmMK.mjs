import { i as h } from "./resonance.js";
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
			import("./source_text-CIdHfkSm.mjs").then(({ sourceText }) => {
				loaded = sourceText(state, text, problem);
				element.append(loaded.element);
				loaded.shown();
			});
		}
	};
}
export { source as t };
