import { A as captureUndo, B as upload, H as t, M as finder, O as app, P as loadTexts, S as showText, _ as makeRoom, b as addStyle, g as keepMounted, k as ask, v as mountAgain, x as h, z as tell } from "./resonance.js";
import { r as isLinked, s as widgetOf } from "./effective-CUuSsUpo.mjs";
import { t as PICTURE } from "./pictures-YikTi_Yx.mjs";
// src/folders.css?inline
var folders_default = ".resonance-folder {\n  display: flex;\n  flex-direction: column;\n  box-sizing: border-box;\n  width: 100%;\n  height: 100%;\n  overflow: hidden;\n  font: 12px/16px sans-serif;\n}\n.resonance-folder > div {\n  display: flex;\n  gap: 6px;\n}\n.resonance-folder p {\n  margin: 4px 0 0;\n  max-height: 68px;\n  overflow: auto;\n  user-select: text;\n  overflow-wrap: anywhere;\n  color: var(--input-text, #ddd);\n}\n.resonance-folder p:empty {\n  display: none;\n}\n.resonance-folder button {\n  flex: 1 1 auto;\n  min-width: 0;\n  height: 26px;\n  padding: 0 6px;\n  overflow: hidden;\n  text-overflow: ellipsis;\n  white-space: nowrap;\n}\n.resonance-folders :is(button, select),\n.resonance-folder button {\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--component-node-widget-background, var(--comfy-input-bg, #222));\n  color: var(--input-text, #ddd);\n  font: inherit;\n}\n:is(.resonance-folder, .resonance-folders) button {\n  cursor: pointer;\n}\n:is(.resonance-folder, .resonance-folders) button:hover {\n  border-color: var(--input-text, #ddd);\n}\n.resonance-folder button:disabled {\n  opacity: 0.6;\n  cursor: default;\n}\n:is(.resonance-folder, .resonance-folders) :focus-visible {\n  outline: 2px solid var(--p-primary-color, #4ea5ff);\n  outline-offset: 1px;\n}\ndialog.resonance-folders {\n  width: min(520px, 92vw);\n  margin: auto;\n  padding: 14px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 8px;\n  box-sizing: border-box;\n  color: var(--input-text, #ddd);\n  background: var(--comfy-menu-bg, #353535);\n  font:\n    13px/1.4 Inter,\n    Arial,\n    sans-serif;\n}\ndialog.resonance-folders::backdrop {\n  background: rgb(0 0 0 / 60%);\n}\n.resonance-folders h2 {\n  margin: 0 0 8px;\n  font-size: 15px;\n  font-weight: 600;\n}\n.resonance-folders select {\n  display: block;\n  width: 100%;\n  padding: 4px;\n  overflow-y: auto;\n}\n.resonance-folders select[hidden],\n.resonance-folders [hidden] {\n  display: none;\n}\n.resonance-folders p {\n  margin: 8px 0 0;\n}\n.resonance-folders footer {\n  display: flex;\n  gap: 8px;\n  justify-content: flex-end;\n  margin-top: 12px;\n}\n.resonance-folders footer button {\n  padding: 4px 14px;\n}\n";
// src/folders.ts
var FOLDER = "first_folder";
/** Names in one sentence. */
var NAMES = 5;
/** Of the buttons, of the text below them at most, and above and below all in classic. */
var BUTTONS = 26;
var TEXT = 68;
var MARGINS = 20;
var rows = /* @__PURE__ */ new WeakMap();
/** Puts the buttons on a node that was just made. `grow` is told what room they need. */
async function attach(node, host, grow) {
	keepMounted(node, host);
	node.onDragOver = ({ dataTransfer }) => [...dataTransfer?.items ?? []].some(({ kind }) => kind === "file");
	node.onDragDrop = (event) => drop(node, event);
	host.addEventListener("dragover", (event) => {
		if (!node.onDragOver?.(event)) return;
		event.preventDefault();
		app.dragOverNode = node;
	});
	await loadTexts();
	addStyle("resonance-folders", folders_default);
	const button = (text, act) => {
		const made = h("button", {
			type: "button",
			textContent: text,
			title: text
		});
		made.addEventListener("click", act);
		return made;
	};
	const buttons = [button(t("folders.choose"), () => void choose(node)), button(t("folders.upload"), () => void pick(node))];
	const status = h("p", { role: "status" });
	host.classList.add("resonance-folder");
	host.replaceChildren(h("div", {}, ...buttons), status);
	rows.set(node, {
		buttons,
		say(text) {
			showText(status, text);
			const height = BUTTONS + (text ? 4 + Math.min(status.scrollHeight, TEXT) : 0);
			host.style.minHeight = `${height}px`;
			grow(height + MARGINS);
			makeRoom(node);
		}
	});
}
/** After a workflow was loaded, and after undo. */
function loaded(node) {
	mountAgain(node);
}
/** Lets a person choose from the folders that there are. */
async function choose(node) {
	await loadTexts();
	if (isLinked(node, FOLDER)) return tell(t("folders.connected"));
	const find = finder(node);
	try {
		const known = await ask("/resonance/folders");
		if (!document.querySelector("dialog.resonance-folders")) openList(known, String(widgetOf(node, FOLDER)?.value ?? ""), (name) => set(find(), name));
	} catch (error) {
		tell(error.message);
	}
}
/** Lets a person choose pictures of their own. */
async function pick(node) {
	await loadTexts();
	if (isLinked(node, FOLDER)) return tell(t("folders.connected"));
	const input = h("input", {
		type: "file",
		multiple: true,
		accept: "image/*,.jxl,.heic,.heif"
	});
	input.addEventListener("change", () => {
		const files = [...input.files ?? []].map((file) => ({
			file,
			inside: ""
		}));
		if (files.length) send(node, "pictures", Promise.resolve(files));
	});
	input.click();
}
function openList({ folders, all }, current, use) {
	addStyle("resonance-folders", folders_default);
	const list = h("select", {
		size: 12,
		ariaLabel: t("folders.list")
	});
	const groups = /* @__PURE__ */ new Map();
	for (const { name, pictures } of folders) {
		const root = /\[(\w+)\]$/.exec(name)?.[1] ?? "input";
		const label = root === "input" || root === "output" ? t(`folders.${root}`) : `[${root}]`;
		const group = groups.get(root) ?? h("optgroup", { label });
		groups.set(root, group);
		const text = name === "[input]" ? t("folders.whole_input") : name;
		group.append(h("option", {
			value: name,
			textContent: t("folders.holds", {
				name: text,
				n: pictures
			})
		}));
	}
	list.append(...groups.values());
	list.value = folders.some(({ name }) => name === current) ? current : "";
	const options = [...list.options];
	if (!list.value) list.selectedIndex = Math.max(0, options.findIndex((option) => option.value !== "[input]"));
	const note = h("p", {
		textContent: folders.length ? t("folders.not_all") : t("folders.none"),
		hidden: all && !!folders.length
	});
	list.hidden = !folders.length;
	const accept = h("button", {
		type: "button",
		textContent: t("folders.use"),
		hidden: !folders.length
	});
	const cancel = h("button", {
		type: "button",
		textContent: t("folders.cancel")
	});
	const title = h("h2", {
		id: "resonance-folders-title",
		textContent: t("folders.title")
	});
	const dialog = h("dialog", { className: "resonance-folders" }, title, list, note, h("footer", {}, accept, cancel));
	dialog.setAttribute("aria-labelledby", title.id);
	const done = () => {
		dialog.close();
		if (list.value) use(list.value);
	};
	accept.addEventListener("click", done);
	cancel.addEventListener("click", () => dialog.close());
	list.addEventListener("dblclick", done);
	dialog.addEventListener("keydown", (event) => {
		event.stopPropagation();
		if (event.key !== "Enter" || event.target !== list) return;
		event.preventDefault();
		done();
	});
	dialog.addEventListener("close", () => dialog.remove());
	document.body.append(dialog);
	dialog.showModal();
	if (folders.length) list.focus();
	else cancel.focus();
}
function set(node, folder) {
	const widget = node && widgetOf(node, FOLDER);
	if (!widget || widget.value === folder) return;
	widget.value = folder;
	widget.callback?.(folder);
	captureUndo();
}
/** Whether what was dropped was for the node. It has to be asked for its entries at once: later they are gone. */
function drop(node, { dataTransfer }) {
	const entries = [...dataTransfer?.items ?? []].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
	const files = [...dataTransfer?.files ?? []];
	const [only] = entries;
	const isFolder = entries.some((entry) => entry.isDirectory);
	if (!isFolder && !files.some(isPicture)) return false;
	if (isLinked(node, FOLDER)) tell(t("folders.connected"));
	else if (entries.length === 1 && only?.isDirectory) send(node, only.name, filesIn(only));
	else if (isFolder) send(node, "pictures", Promise.all(entries.map((entry) => filesOf(entry, ""))).then((all) => all.flat()));
	else send(node, "pictures", Promise.resolve(files.map((file) => ({
		file,
		inside: ""
	}))));
	return true;
}
function isPicture({ name, type }) {
	return PICTURE.test(name) || type.startsWith("image/");
}
async function filesOf(entry, inside) {
	if (entry.name.startsWith(".")) return [];
	if (entry.isDirectory) return await filesIn(entry, `${inside}/${entry.name}`);
	return [{
		file: await new Promise((done, failed) => entry.file(done, failed)),
		inside
	}];
}
/** The files of a folder and of those inside; it is read in pieces. */
async function filesIn(folder, inside = "") {
	const reader = folder.createReader();
	const found = [];
	for (;;) {
		const entries = await new Promise((done, failed) => reader.readEntries(done, failed));
		if (!entries.length) return found;
		for (const entry of entries) found.push(...await filesOf(entry, inside));
	}
}
/** Sends pictures into a folder that was not there before, and sets it. */
async function send(node, wanted, finding) {
	const find = finder(node);
	const say = (text) => rows.get(find() ?? node)?.say(text);
	const busy = (on) => {
		for (const button of rows.get(find() ?? node)?.buttons ?? []) button.disabled = on;
	};
	busy(true);
	try {
		const [found, { suffixes, needed }] = await Promise.all([finding, ask("/resonance/folders")]);
		const suffix = ({ file }) => /\.[^.]+$/.exec(file.name)?.[0].toLowerCase() ?? "";
		const pictures = found.filter((each) => suffixes.includes(suffix(each)));
		const left = found.filter((each) => !pictures.includes(each)).map((each) => {
			const needs = needed[suffix(each)];
			return needs ? t("folders.needs", {
				name: each.file.name,
				package: needs
			}) : each.file.name;
		});
		const notes = left.length ? [t("folders.not_pictures", { names: some(left) })] : [];
		if (!pictures.length) return say(notes[0] ?? t("folders.empty"));
		const { subfolder, folder } = await ask("/resonance/folders", { name: wanted });
		const failed = [];
		for (const [i, { file, inside }] of pictures.entries()) {
			say(t("folders.uploading", {
				done: i,
				total: pictures.length
			}));
			try {
				await upload(file, file.name, "input", `${subfolder}${inside}`);
			} catch (error) {
				failed.push(`${file.name} (${error.message})`);
			}
		}
		const done = pictures.length - failed.length;
		if (done) set(find(), folder);
		if (failed.length) notes.unshift(t("folders.failed", { names: some(failed) }));
		say([t("folders.uploaded", {
			n: done,
			folder: `input/${subfolder}`
		}), ...notes].join(" "));
	} catch (error) {
		say(error.message);
	} finally {
		busy(false);
	}
}
/** The first of many names, and how many more there are. */
function some(names) {
	const more = names.length - NAMES;
	return names.slice(0, NAMES).join(", ") + (more > 0 ? ` ${t("folders.more", { n: more })}` : "");
}
export { attach, choose, filesIn, loaded, pick, some };
