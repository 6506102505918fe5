import { A as captureUndo, H as t, O as app, k as ask, w as GALLERY, z as tell } from "./resonance.js";
import { t as copy } from "./copy-C-eODKft.mjs";
import { s as widgetOf } from "./effective-CUuSsUpo.mjs";
import { showSession } from "./gallery-CWxeIc0h.mjs";
import { wordsOf } from "./said-DYThGuAC.mjs";
// src/menu.ts
/** Opens the gallery at the node's session, or as it was left. */
function showRounds(node) {
	const session = namedBy(node);
	if (session) showSession(session);
	const tabs = app.extensionManager.sidebarTab;
	if (tabs.activeSidebarTabId !== "resonance.rounds") tabs.toggleSidebarTab(GALLERY);
}
/** Gives the node the name of a session that there is none of. */
async function newSession(node) {
	const widget = sessionOf(node);
	if (!widget) return;
	const taken = new Set((await ask("/resonance/rounds")).map(({ session }) => session));
	const stem = String(widget.value).replace(/ \d+$/, "");
	let number = 2;
	while (taken.has(`${stem} ${number}`)) number++;
	widget.value = `${stem} ${number}`;
	captureUndo();
}
/** Copies what the node says, for a prompt. */
async function copyWords(node) {
	const words = wordsOf(node);
	if (!words) return tell(t("node.no_words"));
	tell(t(await copy(words) ? "node.copied_words" : "node.not_copied"));
}
/** Copies the path of the folder of the node's session: a page cannot open a file manager. */
async function copyFolder(node) {
	const session = namedBy(node);
	if (!session) return tell(t("node.no_session"));
	try {
		const { folder } = await ask(`/resonance/rounds/${encodeURIComponent(session)}/folder`);
		tell(await copy(folder) ? t("node.copied_folder", { folder }) : t("node.not_copied"));
	} catch (error) {
		tell(error.message);
	}
}
/** The session that a node works on: Round Output has it from where its item comes from. */
function namedBy(node) {
	const own = sessionOf(node)?.value;
	if (typeof own === "string") return own;
	const link = node.inputs?.find(({ name }) => name === "item")?.link;
	const origin = node.graph?.getNodeById(node.graph.getLink?.(link ?? -1)?.origin_id ?? -1);
	return origin ? namedBy(origin) : "";
}
function sessionOf(node) {
	return widgetOf(node, "session") ?? widgetOf(node, "save_as.session");
}
export { copyFolder, copyWords, newSession, showRounds };
