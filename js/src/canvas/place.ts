// Where a region is: three words, kept in step with the rectangle, and its edges in cells.

import { h } from '../dom'
import { t } from '../i18n'
import { GRID, type Rect } from './canvas'
import { group, labeled, numberField, show } from './field'
import { clamp } from './geometry'
import { CHOICES, nearestWords, rectOf, type Slot, type Words, wordsOf } from './vocabulary'

const SLOTS: readonly Slot[] = ['location', 'offset', 'area']

export interface Place {
  readonly element: HTMLFieldSetElement
  show(rect: Rect, forced: boolean): void
}

export function place(change: (rect: Rect, tag: string) => void): Place {
  let rect: Rect = [0, GRID, 0, GRID]
  // Several words can mean one rectangle: those that were chosen stay.
  let words: Words | null = null

  const choose = (slot: Slot, word: string): void => {
    words = { ...(words ?? nearestWords(rect)), [slot]: word }
    change(rectOf(words), '')
  }
  const selects = SLOTS.map((slot) => {
    const custom = h('option', { value: '', textContent: t('form.custom'), hidden: true, disabled: true })
    const options = CHOICES[slot].map((word) => h('option', { value: word, textContent: word }))
    const select = h('select', {}, custom, ...options)
    select.addEventListener('change', () => choose(slot, select.value))
    return { slot, select }
  })

  const [left, top, width, height] = [
    numberField([0, GRID - 1], 1, (x) => {
      const from = Math.min(x, GRID - rect[3] + rect[2])
      change([rect[0], rect[1], from, from + rect[3] - rect[2]], 'left')
    }),
    numberField([0, GRID - 1], 1, (y) => {
      const from = Math.min(y, GRID - rect[1] + rect[0])
      change([from, from + rect[1] - rect[0], rect[2], rect[3]], 'top')
    }),
    numberField([1, GRID], 1, (size) => change([rect[0], rect[1], rect[2], clamp(rect[2] + size, 1, GRID)], 'width')),
    numberField([1, GRID], 1, (size) => change([rect[0], clamp(rect[0] + size, 1, GRID), rect[2], rect[3]], 'height')),
  ]
  return {
    element: group(
      t('form.place'),
      ...selects.map(({ slot, select }) => labeled(t(`form.${slot}`), select)),
      h(
        'div',
        { className: 'numbers' },
        labeled(t('form.left'), left.input),
        labeled(t('form.top'), top.input),
        labeled(t('form.width'), width.input),
        labeled(t('form.height'), height.input),
      ),
    ),
    show(next, forced) {
      rect = next
      if (!words || String(rectOf(words)) !== String(rect)) words = wordsOf(rect)
      for (const { slot, select } of selects) show(select, words?.[slot] ?? '', true)
      left.show(rect[2], forced)
      top.show(rect[0], forced)
      width.show(rect[3] - rect[2], forced)
      height.show(rect[1] - rect[0], forced)
    },
  }
}
