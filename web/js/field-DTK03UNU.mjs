import { x as h } from "./resonance.js";
import { y as clamp } from "./commands-C_BdFoXW.mjs";
// src/canvas/field.ts
var controls = 0;
/** A control under its name. */
function labeled(name, control) {
	control.id = `resonance-field-${controls += 1}`;
	return h("div", { className: "field" }, h("label", {
		htmlFor: control.id,
		textContent: name
	}), control);
}
/** Controls under a common name. */
function group(name, ...children) {
	return h("fieldset", {}, h("legend", { textContent: name }), ...children);
}
function button(text, name, onclick) {
	return h("button", {
		type: "button",
		textContent: text,
		title: name,
		ariaLabel: name,
		onclick
	});
}
function show(control, value, forced) {
	if (control.value === value || !forced && document.activeElement === control) return;
	control.value = value;
}
/** A box for a number. What lies outside its limits is moved to the nearest of them, and what is no number changes nothing. */
function numberField(limits, step, change) {
	const [low, high] = limits;
	const input = h("input", {
		type: "number",
		min: String(low),
		max: String(high),
		step: String(step)
	});
	input.addEventListener("input", () => {
		const value = input.valueAsNumber;
		if (Number.isFinite(value)) change(clamp(step === 1 ? Math.round(value) : value, low, high));
	});
	return {
		input,
		show: (value, forced) => show(input, String(value), forced)
	};
}
export { show as a, numberField as i, group as n, labeled as r, button as t };
