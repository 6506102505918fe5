// Colors as CSS calls them, and a field for one: a name or #rrggbb, and the browser's own picker.

import { h } from '../dom'
import { t } from '../i18n'
import { type Color, hex } from './canvas'
import { group, show } from './field'
import { COLORS } from './vocabulary'

/** The color that a CSS name, `#rgb` or `#rrggbb` means. */
export function readColor(text: string): Color | null {
  const word = text.trim().toLowerCase()
  if (Object.hasOwn(COLORS, word)) return COLORS[word] ?? null
  const digits = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/.exec(word)?.[1]
  if (!digits) return null
  const pairs = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits
  const part = (at: number): number => parseInt(pairs.slice(at, at + 2), 16)
  return [part(0), part(2), part(4)]
}

/** The CSS name of a color, else `#rrggbb`. */
export function colorName(color: Color): string {
  const wanted = String(color)
  return Object.keys(COLORS).find((name) => String(COLORS[name]) === wanted) ?? hex(color)
}

export interface ColorField {
  readonly element: HTMLElement
  show(color: Color, forced: boolean): void
}

export function colorField(change: (color: Color) => void): ColorField {
  const names = h('datalist', { id: 'resonance-colors' }, ...Object.keys(COLORS).map((value) => h('option', { value })))
  const text = h('input', { type: 'text', ariaLabel: t('form.color_name'), spellcheck: false, autocomplete: 'off' })
  text.setAttribute('list', names.id)
  const picker = h('input', { type: 'color', ariaLabel: t('form.color_picker') })
  const take = (value: string): void => {
    const color = readColor(value)
    text.ariaInvalid = String(color === null)
    if (color) change(color)
  }
  text.addEventListener('input', () => take(text.value))
  picker.addEventListener('input', () => take(picker.value))
  let shown: Color | null = null
  return {
    element: group(t('form.color'), h('div', { className: 'line' }, text, picker, names)),
    show(color, forced) {
      if (color === shown && !forced && document.activeElement === text) return
      shown = color
      if (forced || document.activeElement !== text) text.ariaInvalid = 'false'
      show(text, colorName(color), forced)
      show(picker, hex(color), forced)
    },
  }
}
