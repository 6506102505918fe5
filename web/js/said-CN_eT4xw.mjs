import { _ as findNode, a as mountAgain, c as h, h as ask, i as keepMounted, m as app, r as addHost, s as addStyle, w as t, x as outputOf, y as loadTexts } from "./resonance.js";
import { s as widgetOf } from "./effective-BARDEzRD.mjs";
// src/said.css?inline
var said_default = ".resonance-said {\n  display: block;\n  box-sizing: border-box;\n  width: 100%;\n  height: 100%;\n  padding: 4px 6px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--component-node-widget-background, var(--comfy-input-bg, #222));\n  color: var(--input-text, #ddd);\n  font: 12px/16px sans-serif;\n  resize: none;\n}\n.resonance-said[hidden] {\n  display: none;\n}\n.resonance-said.problem {\n  border-color: var(--p-red-500, #e35);\n}\n.resonance-said:focus-visible {\n  outline: 2px solid var(--p-primary-color, #4ea5ff);\n  outline-offset: -2px;\n}\n";
// src/said.ts
var LINE = 16;
var LINES = 12;
/** Above and below the element, of a node in classic. */
var MARGINS = 20;
/** Runs of the history in which a workflow's words are looked for when its page was opened anew. */
var RECENT = 10;
/** Milliseconds after which outputs that are kept with a workflow have been put back. */
var RESTORED = 500;
/** Of graphs that were loaded in API form, and are anybody's. */
var UNNAMED = "00000000-0000-0000-0000-000000000000";
var known = /* @__PURE__ */ new WeakMap();
/** Nodes that have begun to work, and those that have said something, since the run began. */
var begun = /* @__PURE__ */ new Set();
var heard = /* @__PURE__ */ new Set();
var asked = "";
/** Says it on the node, in place of what was there. */
function say(id, text, problem = false) {
	const node = findNode(id);
	if (!node) return;
	heard.add(node);
	show(node, text, problem);
}
/** What a node has put out. */
function put(id, output) {
	const text = textIn(output);
	if (text !== void 0) say(id, text);
}
function start() {
	begun = /* @__PURE__ */ new Set();
	heard = /* @__PURE__ */ new Set();
}
function begin(id) {
	const node = findNode(id);
	if (node) begun.add(node);
}
/** A run has come to its end: what worked in it and said nothing has nothing to say any more. */
function end() {
	forget([...begun]);
}
/** A run has failed: nothing stays of what was said before it. */
function fail() {
	forget(everyNode());
}
function forget(nodes) {
	for (const node of nodes) if (known.has(node) && !heard.has(node)) show(node, "");
}
/** After a workflow was loaded, and after undo. */
function loaded(node) {
	mountAgain(node);
	setTimeout(() => {
		const text = textIn(outputOf(node) ?? {});
		if (text !== void 0) show(node, text);
		else recall();
	}, RESTORED);
}
function show(node, text, problem = false) {
	const said = known.get(node) ?? (text ? attach(node) : void 0);
	if (!said) return;
	const { element } = said;
	element.value = text;
	element.hidden = !text;
	element.classList.toggle("problem", problem);
	requestAnimationFrame(() => {
		const lines = Math.min(Math.ceil(element.scrollHeight / LINE) + 1, LINES);
		said.height = text ? Math.max(said.height, lines * LINE) : said.height;
		element.style.minHeight = `${said.height}px`;
		const [, needed] = node.computeSize();
		if (node.size[1] < needed) node.setSize([node.size[0], needed]);
		app.canvas.setDirty(true, true);
	});
}
function attach(node) {
	addStyle("resonance-said", said_default);
	const element = h("textarea", {
		className: "resonance-said",
		readOnly: true,
		rows: 3
	});
	loadTexts().then(() => element.ariaLabel = t("node.says"));
	element.dataset["captureWheel"] = "true";
	const said = {
		element,
		height: 48
	};
	const host = addHost(node, "words", () => said.height + MARGINS);
	host.append(element);
	keepMounted(node, host);
	known.set(node, said);
	return said;
}
function textIn(output) {
	const found = output["resonance_text"];
	return Array.isArray(found) ? found.join("\n\n") : void 0;
}
/** Finds the words of the workflow's last run: in the history or, where that is gone, in the session's ledger. */
async function recall() {
	const workflow = (app.rootGraph ?? app.graph).id;
	if (!workflow || workflow === UNNAMED || asked === workflow) return;
	asked = workflow;
	const history = await ask(`/history?max_items=${RECENT}`);
	const runs = Object.values(history).filter((run) => workflowOf(run) === workflow);
	for (const run of runs) for (const [id, output] of Object.entries(run.outputs)) {
		const [node, text] = [findNode(id), textIn(output)];
		if (node && text !== void 0 && !known.get(node)?.element.value) show(node, text);
	}
	if (!runs.length) await recallSession();
}
function workflowOf(run) {
	return run.prompt[3]?.extra_pnginfo?.workflow?.id;
}
async function recallSession() {
	const nodes = everyNode();
	const input = nodes.find((node) => node.comfyClass === "ResonanceRoundInput");
	const session = input && widgetOf(input, "session")?.value;
	const words = nodes.find((node) => node.comfyClass === "ResonanceRoundWords");
	if (!words || typeof session !== "string") return;
	if (!(await ask("/resonance/rounds")).some((each) => each.session === session)) return;
	const route = `/resonance/rounds/${encodeURIComponent(session)}`;
	const last = (await ask(route)).items.filter((item) => item.state === "done").at(-1);
	if (!last) return;
	const item = await ask(`${route}/items/${last.id}`);
	const text = [item.words?.tags, item.words?.caption].filter(Boolean).join("\n\n");
	if (text && !known.get(words)?.element.value) show(words, text);
}
function everyNode() {
	const root = app.rootGraph ?? app.graph;
	return [...root.nodes, ...[...root.subgraphs?.values() ?? []].flatMap((graph) => graph.nodes)];
}
export { begin, end, fail, loaded, put, say, start };
