import { d as GALLERY, g as captureUndo, h as ask, m as app } from "./resonance.js";
import { s as widgetOf } from "./effective-BARDEzRD.mjs";
import { showSession } from "./gallery-Eoh4Mi3B.mjs";
// src/menu.ts
/** Opens the gallery at the node's session, or as it was left. */
function showRounds(node) {
	const session = sessionOf(node)?.value;
	if (typeof session === "string") showSession(session);
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
function sessionOf(node) {
	return widgetOf(node, "session") ?? widgetOf(node, "save_as.session");
}
export { newSession, showRounds };
