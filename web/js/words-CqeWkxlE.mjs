import { B as upload, C as svg, H as t, V as viewUrl, x as h } from "./resonance.js";
import { m as label } from "./effective-CUuSsUpo.mjs";
import { c as change, i as numberField, n as group, r as labeled, t as button } from "./field-FHO3C30b.mjs";
import { n as inputFile, t as PICTURE } from "./pictures-YikTi_Yx.mjs";
// src/canvas/picture.ts
var STEP = .05;
/** Of a thumbnail on the stage and its place below the name, in pixels. */
var [SIDE, X, Y] = [
	64,
	9,
	28
];
/** Another one each time: browsers would show what lay under the name before. */
function addressOf({ file }) {
	return `${viewUrl(inputFile(file))}&rand=${Math.random()}`;
}
/** Uploads a file and makes it the picture of a region. */
async function putPicture(state, number, file, say, warn) {
	if (!PICTURE.test(file.name)) return warn(t("picture.none", { name: file.name }));
	const before = state.canvas.regions[number];
	say(t("picture.uploading", { name: file.name }));
	try {
		const { filename, subfolder } = await upload(file, file.name);
		const name = subfolder ? `${subfolder}/${filename}` : filename;
		const { regions } = state.canvas;
		const now = regions.findIndex((region) => region === before);
		const at = now < 0 ? number : now;
		const changed = change(state.canvas, [at], ({ picture }) => ({ picture: {
			file: name,
			strength: picture?.strength ?? 1
		} }));
		state.commit(changed, regions[at] ? [at] : state.selected);
		say(t("picture.put", {
			file: name,
			region: label(changed, at) || t(at ? "editor.unnamed" : "form.global")
		}));
	} catch (error) {
		say("");
		warn(error.message);
	}
}
/** Pictures that are dropped on the stage are for the region that they are over; on bare ground, for the whole picture. */
function dropTarget(sheet, state, put) {
	const aimed = ({ target }) => {
		const element = target;
		if (element.closest("[data-handle]")) return state.selected.at(-1) ?? 0;
		return Number(element.closest("[data-region]")?.dataset["region"] ?? 0);
	};
	sheet.addEventListener("dragover", (event) => {
		const number = aimed(event);
		if (event.dataTransfer?.types.includes("Files") && String(state.selected) !== String(number)) state.select([number]);
	});
	sheet.addEventListener("drop", (event) => {
		const [file] = event.dataTransfer?.files ?? [];
		if (file) put(file, aimed(event));
	});
}
/** A picture as large on the stage as its name, whatever the region's size; a crossed frame where there is none. */
function thumbnail(picture) {
	const image = svg("image", {
		href: addressOf(picture),
		x: X,
		y: Y,
		width: SIDE,
		height: SIDE
	});
	image.setAttribute("preserveAspectRatio", "xMinYMin meet");
	const frame = `M${X} ${Y}h${SIDE}v${SIDE}h-${SIDE}zl${SIDE} ${SIDE}m0 -${SIDE}l-${SIDE} ${SIDE}`;
	const element = svg("g", { class: "resonance-picture resonance-undistorted" }, image, svg("path", { d: frame }));
	image.addEventListener("error", () => element.classList.add("missing"));
	return element;
}
function pictureField(edit, put) {
	const image = h("img", { alt: t("picture.of") });
	const missing = h("p", { className: "missing" });
	missing.setAttribute("role", "status");
	const file = h("input", {
		type: "file",
		accept: "image/*,.jxl,.heic,.heif",
		hidden: true
	});
	const choose = button(t("picture.choose"), t("picture.choose"), () => file.click());
	const remove = button("×", t("picture.remove"), () => {
		choose.focus();
		edit(() => null, "");
	});
	const strength = numberField([0, 2], STEP, (value) => edit((picture) => picture && {
		...picture,
		strength: value
	}, "picture strength"));
	const name = h("span", { className: "name" });
	const line = h("div", { className: "line" }, name, choose, remove);
	const hint = h("p", {
		className: "hint",
		textContent: t("picture.hint")
	});
	const strong = labeled(t("picture.strength"), strength.input);
	const element = group(t("picture.title"), hint, image, missing, line, strong, file);
	element.classList.add("picture");
	let shown = null;
	image.addEventListener("error", () => {
		image.hidden = true;
		missing.textContent = shown && t("picture.missing", { file: shown.file });
	});
	file.addEventListener("change", () => {
		const [chosen] = file.files ?? [];
		if (chosen) put(chosen);
		file.value = "";
	});
	element.addEventListener("drop", ({ dataTransfer }) => {
		const [dropped] = dataTransfer?.files ?? [];
		if (dropped) put(dropped);
	});
	return {
		element,
		show(picture, forced) {
			for (const each of [remove, strong]) each.hidden = !picture;
			hint.hidden = picture !== null;
			strength.show(picture?.strength ?? 1, forced);
			if (picture?.file === shown?.file) return;
			shown = picture;
			name.textContent = picture?.file ?? "";
			missing.textContent = "";
			image.hidden = !picture;
			if (picture) image.src = addressOf(picture);
		}
	};
}
// src/canvas/words.css?inline
var words_default = ".resonance-form,\n.resonance-source,\n.resonance-exchange {\n  color: var(--input-text, #ddd);\n  font-size: 13px;\n  line-height: 1.4;\n\n  & [hidden] {\n    display: none !important;\n  }\n  & button,\n  & input,\n  & select,\n  & textarea,\n  & summary {\n    box-sizing: border-box;\n    min-width: 0;\n    padding: 4px 8px;\n    border: 1px solid var(--border-color, #4e4e4e);\n    border-radius: 4px;\n    background: var(--comfy-input-bg, #222);\n    color: inherit;\n    font: inherit;\n  }\n  & button,\n  & summary,\n  & select {\n    cursor: pointer;\n  }\n  & button:hover:enabled,\n  & summary:hover {\n    border-color: var(--p-primary-color, #4ea5ff);\n  }\n  & :disabled {\n    opacity: 0.6;\n    cursor: default;\n  }\n  & :is(button, input, select, textarea, summary):focus-visible {\n    outline: 2px solid var(--p-primary-color, #4ea5ff);\n    outline-offset: -1px;\n  }\n  & [aria-invalid='true'] {\n    border-color: #f66;\n  }\n  & p {\n    margin: 0;\n    overflow-wrap: anywhere;\n  }\n  & .hint {\n    color: var(--descrip-text, #aaa);\n  }\n  & .field {\n    display: flex;\n    flex-direction: column;\n    gap: 2px;\n    min-width: 0;\n  }\n  & .line {\n    display: flex;\n    gap: 6px;\n  }\n}\n\n.resonance-form {\n  padding: 8px;\n\n  & h3 {\n    margin: 0 0 8px;\n    overflow: hidden;\n    font-size: 14px;\n    text-overflow: ellipsis;\n    white-space: nowrap;\n  }\n  & .fields {\n    display: flex;\n    flex-direction: column;\n    gap: 10px;\n  }\n  & fieldset {\n    display: flex;\n    flex-direction: column;\n    gap: 6px;\n    min-width: 0;\n    margin: 0;\n    padding: 6px 8px 8px;\n    border: 1px solid var(--border-color, #4e4e4e);\n    border-radius: 4px;\n  }\n  & legend {\n    padding: 0 4px;\n  }\n  & textarea {\n    width: 100%;\n    max-height: 12em;\n    resize: vertical;\n    field-sizing: content;\n  }\n  & .numbers {\n    display: grid;\n    grid-template-columns: repeat(auto-fit, minmax(56px, 1fr));\n    gap: 6px;\n  }\n  & input[type='number'] {\n    width: 100%;\n    padding-right: 2px;\n  }\n  & input[type='text'] {\n    flex: 1;\n  }\n  & input[type='color'] {\n    width: 40px;\n    height: 28px;\n    padding: 2px;\n  }\n  & .shared {\n    margin: 0;\n    padding: 0 8px;\n    color: var(--descrip-text, #aaa);\n    list-style: none;\n    overflow-wrap: anywhere;\n  }\n  & fieldset > .field {\n    display: grid;\n    grid-template-columns: 64px 1fr auto;\n    align-items: center;\n  }\n  & .picture img {\n    max-width: 100%;\n    max-height: 160px;\n    object-fit: contain;\n    object-position: left;\n  }\n  & .picture .line {\n    align-items: center;\n  }\n  & .picture .name {\n    flex: 1;\n    overflow-wrap: anywhere;\n  }\n  & .missing:not(:empty) {\n    padding-left: 6px;\n    border-left: 3px solid #e08a00;\n  }\n  & .texts ol {\n    display: flex;\n    flex-direction: column;\n    gap: 4px;\n    margin: 0 0 4px;\n    padding: 0;\n    list-style: none;\n  }\n  & .texts li {\n    display: flex;\n    align-items: flex-start;\n    gap: 2px;\n  }\n  & .texts li button {\n    flex: none;\n    width: 24px;\n    padding: 4px 0;\n  }\n  & .tokens,\n  & .bags {\n    display: flex;\n    flex-wrap: wrap;\n    gap: 2px 10px;\n    font-variant-numeric: tabular-nums;\n  }\n  & .bags span {\n    display: inline-flex;\n    align-items: center;\n    gap: 4px;\n    white-space: nowrap;\n  }\n  & meter {\n    width: 48px;\n  }\n  & .warning:not(:empty) {\n    flex-basis: 100%;\n    padding-left: 6px;\n    border-left: 3px solid #e08a00;\n  }\n}\n\n.resonance-exchange {\n  display: flex;\n  gap: 4px;\n\n  & details {\n    position: relative;\n  }\n  & summary {\n    list-style: none;\n  }\n  & .panel {\n    position: absolute;\n    z-index: 10;\n    top: calc(100% + 4px);\n    display: flex;\n    flex-direction: column;\n    gap: 8px;\n    width: min(440px, 80vw);\n    max-height: 60vh;\n    padding: 12px;\n    border: 1px solid var(--border-color, #4e4e4e);\n    border-radius: 6px;\n    background: var(--comfy-menu-bg, #353535);\n    box-shadow: 0 4px 16px #0008;\n    overflow: auto;\n  }\n  & .panel textarea {\n    resize: vertical;\n    font-family: monospace;\n    text-rendering: optimizeSpeed;\n  }\n  & .notes {\n    margin: 0;\n    padding: 0 0 0 18px;\n    color: var(--descrip-text, #aaa);\n    overflow-wrap: anywhere;\n  }\n  & .says:empty,\n  & .notes:empty {\n    display: none;\n  }\n}\n";
export { thumbnail as a, putPicture as i, dropTarget as n, pictureField as r, words_default as t };
