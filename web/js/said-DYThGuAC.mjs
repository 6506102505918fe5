import { H as t, I as outputOf, O as app, P as loadTexts, R as sentenceOf, _ as makeRoom, b as addStyle, g as keepMounted, h as addHost, j as findNode, k as ask, m as speech, v as mountAgain, x as h } from "./resonance.js";
import { s as widgetOf } from "./effective-CUuSsUpo.mjs";
// src/said.css?inline
var said_default = ".resonance-speaks {\n  display: flex;\n  flex-direction: column;\n  gap: 4px;\n  height: 100%;\n}\n.resonance-said {\n  display: block;\n  flex: 1;\n  min-height: 0;\n  box-sizing: border-box;\n  width: 100%;\n  padding: 4px 6px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--component-node-widget-background, var(--comfy-input-bg, #222));\n  color: var(--input-text, #ddd);\n  font: 12px/16px sans-serif;\n  resize: none;\n}\n.resonance-again {\n  flex: none;\n  height: 26px;\n  padding: 0 8px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--component-node-widget-background, var(--comfy-input-bg, #222));\n  color: var(--input-text, #ddd);\n  font: 12px/1.3 sans-serif;\n  cursor: pointer;\n}\n.resonance-again:focus-visible {\n  outline: 2px solid var(--p-primary-color, #4ea5ff);\n  outline-offset: -2px;\n}\n.resonance-again[hidden],\n.resonance-said[hidden] {\n  display: none;\n}\n.resonance-said.problem {\n  border-color: var(--p-red-500, #e35);\n}\n.resonance-said:focus-visible {\n  outline: 2px solid var(--p-primary-color, #4ea5ff);\n  outline-offset: -2px;\n}\n";
// src/said.ts
var LINE = 16;
var LINES = 12;
/** Of the button below the text. */
var BUTTON = 30;
/** Above and below the element, of a node in classic. */
var MARGINS = 20;
/** Runs of the history in which a workflow's words are looked for when its page was opened anew. */
var RECENT = 10;
/** Milliseconds after which outputs that are kept with a workflow have been put back. */
var RESTORED = 500;
/** Nodes that say how far a session is. */
var COUNTING = /* @__PURE__ */ new Set([
	"ResonanceRoundInput",
	"ResonanceExplore",
	"ResonancePromptLines"
]);
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
/** Says what is wrong on the node, and on the subgraphs around it: one of them is what is looked at. */
function blame(id, text) {
	const path = id.split(":");
	for (const depth of path.keys()) say(path.slice(0, depth + 1).join(":"), text, true);
}
/** What a node has put out. */
function put(id, output) {
	const text = textIn(output);
	if (text !== void 0) say(id, text);
}
/** Run was pressed again: nothing stays of what was wrong before. */
function correct() {
	for (const node of everyNode()) if (known.get(node)?.element.classList.contains("problem")) show(node, "");
}
/** The server does not run the graph: what is wrong with it stands on its nodes. */
function refuse(nodes) {
	for (const [id, { errors }] of nodes) blame(id, errors.map(sentenceOf).join("\n"));
}
function start() {
	begun = /* @__PURE__ */ new Set();
	heard = /* @__PURE__ */ new Set();
}
function begin(id) {
	const node = findNode(id);
	if (!node) return;
	begun.add(node);
	const said = known.get(node);
	if (said) said.again.hidden = true;
}
/** Offers to make the pictures of a session's round again that are gone. */
async function offerAgain(id, session, round) {
	await loadTexts();
	const node = findNode(id);
	if (!node) return;
	const { again } = known.get(node) ?? attach(node);
	again.textContent = t("node.again");
	again.hidden = false;
	again.onclick = async () => {
		again.hidden = true;
		try {
			const route = `/resonance/rounds/${encodeURIComponent(session)}/remake?round=${round}`;
			const { items } = await ask(route, {});
			show(node, t("node.again_queued", {
				n: items,
				round
			}));
		} catch (error) {
			show(node, error.message, true);
		}
	};
	makeRoom(node);
}
/** A run has come to its end: what worked in it and said nothing has nothing to say any more. */
function end() {
	forget([...begun]);
}
/** A run has failed: nothing stays of what was said before it. */
function fail() {
	forget(everyNode());
}
/** A run was interrupted: the time that was left is not any more. The next run of the chain, if there is one, says how far it is. */
function interrupt() {
	for (const node of begun) if (COUNTING.has(node.comfyClass ?? "") && known.has(node)) show(node, "");
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
		makeRoom(node);
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
	const again = h("button", {
		type: "button",
		className: "resonance-again",
		hidden: true
	});
	const said = {
		element,
		again,
		height: 48
	};
	const host = addHost(node, "words", () => said.height + MARGINS + (again.hidden ? 0 : BUTTON));
	host.classList.add("resonance-speaks");
	host.append(element, again);
	keepMounted(node, host);
	known.set(node, said);
	return said;
}
/** The words of what a node says, without what made them and what is noted beside. */
function wordsOf(node) {
	const element = known.get(node)?.element;
	if (element?.classList.contains("problem")) return "";
	const output = outputOf(node) ?? {};
	const text = element?.value || textIn(output);
	if (text === void 0) return Array.isArray(output["text"]) ? output["text"].join("\n") : "";
	return ["ResonanceTagImages", "ResonanceCaptionImages"].includes(node.comfyClass ?? "") ? speech(text).words : text;
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
export { begin, blame, correct, end, fail, interrupt, loaded, offerAgain, put, refuse, say, start, wordsOf };
