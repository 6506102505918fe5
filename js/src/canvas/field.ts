// Controls of a form. `show` puts a value in, but not over what somebody is typing, unless it has to.

import { h } from '../dom'
import { clamp } from './geometry'

export type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

let controls = 0

/** A control under its name. */
export function labeled(name: string, control: HTMLElement): HTMLElement {
  control.id = `resonance-field-${(controls += 1)}`
  return h('div', { className: 'field' }, h('label', { htmlFor: control.id, textContent: name }), control)
}

/** Controls under a common name. */
export function group(name: string, ...children: HTMLElement[]): HTMLFieldSetElement {
  return h('fieldset', {}, h('legend', { textContent: name }), ...children)
}

export function button(text: string, name: string, onclick: () => void): HTMLButtonElement {
  return h('button', { type: 'button', textContent: text, title: name, ariaLabel: name, onclick })
}

export function show(control: Control, value: string, forced: boolean): void {
  if (control.value === value || (!forced && document.activeElement === control)) return
  control.value = value
}

export interface NumberField {
  readonly input: HTMLInputElement
  show(value: number, forced: boolean): void
}

/** A box for a number. What lies outside its limits is moved to the nearest of them, and what is no number changes nothing. */
export function numberField(
  limits: [low: number, high: number],
  step: number,
  change: (value: number) => void,
): NumberField {
  const [low, high] = limits
  const input = h('input', { type: 'number', min: String(low), max: String(high), step: String(step) })
  input.addEventListener('input', () => {
    const value = input.valueAsNumber
    if (Number.isFinite(value)) change(clamp(step === 1 ? Math.round(value) : value, low, high))
  })
  return { input, show: (value, forced) => show(input, String(value), forced) }
}
