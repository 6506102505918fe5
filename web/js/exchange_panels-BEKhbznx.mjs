import { H as t, k as ask, x as h } from "./resonance.js";
import { t as copy } from "./copy-C-eODKft.mjs";
import { d as LETTERS, g as plain, v as readList, y as write } from "./effective-CUuSsUpo.mjs";
import { h as paste, r as labeled } from "./field-FHO3C30b.mjs";
// src/canvas/exchange_panels.ts
var FILES = {
	json: "canvas.json",
	program: "canvas.py",
	boxes: "boxes.json"
};
function importPanel(state, size) {
	const text = h("textarea", {
		rows: 8,
		wrap: "off",
		spellcheck: false,
		placeholder: t("exchange.paste_here")
	});
	const file = h("input", {
		type: "file",
		accept: ".json,.txt,.py,.md,text/*,application/json"
	});
	const says = h("p", { className: "says" });
	says.setAttribute("role", "status");
	const notes = h("ul", {
		className: "notes",
		ariaLabel: t("exchange.notes")
	});
	const say = (message, more = []) => {
		says.textContent = message;
		notes.replaceChildren(...more.map((note) => h("li", { textContent: note })));
	};
	let busy = false;
	const take = async (written, how) => {
		if (busy) return;
		busy = true;
		say("");
		try {
			if (written.length > LETTERS) throw new Error(t("json.long", { most: LETTERS.toLocaleString() }));
			const found = await ask("/resonance/canvas/read", {
				text: written,
				...size
			});
			const read = readList(found.regions);
			const count = how === "replace" ? replace(state, read) : append(state, read);
			say(t("exchange.imported", { count }), found.notes);
		} catch (error) {
			say(error.message);
		} finally {
			busy = false;
		}
	};
	file.addEventListener("change", () => {
		const [chosen] = file.files ?? [];
		if (!chosen) return;
		file.value = "";
		if (chosen.size > 4 * LETTERS) say(t("json.long", { most: LETTERS.toLocaleString() }));
		else chosen.text().then((content) => {
			text.value = content;
			say(t("exchange.loaded", { name: chosen.name }));
		});
	});
	const act = (how) => h("button", {
		type: "button",
		textContent: t(`exchange.${how}`),
		onclick: () => void take(text.value, how)
	});
	return h("div", { className: "panel" }, h("p", {
		className: "hint",
		textContent: t("exchange.forms")
	}), labeled(t("exchange.text"), text), labeled(t("exchange.file"), file), h("div", { className: "line" }, act("replace"), act("append")), says, notes);
}
/** Puts a canvas in place of ours, which stays tied to what it was edited from. Gives the number of regions. */
function replace(state, read) {
	const count = read.regions.length;
	state.commit({
		...read,
		origin: state.canvas.origin
	}, [count > 1 ? 1 : 0]);
	return count - 1;
}
/** Puts the regions of a canvas, without the global one, in front of ours. */
function append(state, read) {
	const { canvas, selected } = paste(state.canvas, read);
	if (!selected.length) throw new Error(t("exchange.nothing"));
	if (canvas.regions.length > 500) throw new Error(t("json.many", {
		count: canvas.regions.length,
		most: 500
	}));
	state.commit(canvas, selected);
	return selected.length;
}
function exportPanel(state, size) {
	const forms = Object.keys(FILES).map((value) => h("option", {
		value,
		textContent: t(`exchange.${value}`)
	}));
	const form = h("select", {}, ...forms);
	const hint = h("p", {
		className: "hint",
		textContent: t("exchange.json_hint")
	});
	const says = h("p", { className: "says" });
	says.setAttribute("role", "status");
	form.addEventListener("change", () => {
		hint.textContent = t(`exchange.${form.value}_hint`);
		says.textContent = "";
	});
	const made = async () => {
		if (form.value === "json") return write({
			...state.canvas,
			origin: ""
		});
		const body = {
			regions: state.canvas.regions.map((region) => plain(region)),
			form: form.value,
			...size
		};
		return (await ask("/resonance/canvas/write", body)).text;
	};
	const act = (name, work, done) => {
		const pressed = async () => {
			try {
				await work(await made());
				says.textContent = t(done);
			} catch (error) {
				says.textContent = error.message;
			}
		};
		return h("button", {
			type: "button",
			textContent: t(name),
			onclick: () => void pressed()
		});
	};
	return h("div", { className: "panel" }, labeled(t("exchange.form"), form), hint, h("div", { className: "line" }, act("exchange.copy", toClipboard, "exchange.copied"), act("exchange.save", (text) => save(text, FILES[form.value]), "exchange.saved")), says);
}
async function toClipboard(text) {
	if (!await copy(text)) throw new Error(t("exchange.no_clipboard"));
}
function save(text, name) {
	const link = h("a", {
		href: URL.createObjectURL(new Blob([text], { type: "text/plain" })),
		download: name
	});
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href));
}
export { exportPanel, importPanel };
