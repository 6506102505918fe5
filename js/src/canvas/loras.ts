// The LoRAs of a region, a row each. One more row is empty: a file that is chosen there is added.

import { ask } from '../comfy'
import { h } from '../dom'
import { t } from '../i18n'
import { type Lora, LORAS, STRONGEST } from './canvas'
import { button, group, labeled, numberField, show } from './field'

const STEP = 0.05

export interface LoraField {
  readonly element: HTMLElement
  show(loras: readonly Lora[], forced: boolean): void
}

interface Row {
  readonly elements: readonly HTMLElement[]
  show(lora: Lora | undefined, forced: boolean): void
  offer(files: readonly string[]): void
}

/** Changes the LoRAs. What follows with the same tag is one step of undo, what has none is a step of its own. */
type Edit = (changed: (loras: readonly Lora[]) => readonly Lora[], tag: string) => void

export function loraField(edit: Edit): LoraField {
  const element = group(t('form.lora'))
  const rows: Row[] = []
  let offered: readonly string[] = []
  // Without the list, a file that is written stays, and can be taken away.
  ask<string[]>('/models/loras').then(
    (found) => {
      offered = found
      for (const row of rows) row.offer(found)
    },
    () => undefined,
  )
  return {
    element,
    show(loras, forced) {
      const count = Math.min(loras.length + 1, LORAS)
      while (rows.length < count) {
        const row = newRow(rows.length, edit)
        row.offer(offered)
        element.append(...row.elements)
        rows.push(row)
      }
      for (const row of rows.splice(count)) for (const part of row.elements) part.remove()
      rows.forEach((row, i) => row.show(loras[i], forced))
    },
  }
}

function newRow(number: number, edit: Edit): Row {
  const none = h('option', { value: '', textContent: t('form.no_lora') })
  const files = h('select', {}, none)
  const put = (loras: readonly Lora[], ...lora: Lora[]): readonly Lora[] => [
    ...loras.slice(0, number),
    ...lora,
    ...loras.slice(number + 1),
  ]
  const offer = (names: readonly string[]): void => {
    for (const file of names)
      if (![...files.options].some((option) => option.value === file))
        files.append(h('option', { value: file, textContent: file }))
  }
  files.addEventListener('change', () => {
    const file = files.value
    edit((loras) => put(loras, { file, strength: loras[number]?.strength ?? 1 }), '')
  })
  const strength = numberField([-STRONGEST, STRONGEST], STEP, (value) =>
    edit((loras) => {
      const lora = loras[number]
      return lora ? put(loras, { ...lora, strength: value }) : loras
    }, `strength ${number}`),
  )
  const named = (name: string): string => (number ? `${name} ${number + 1}` : name)
  const remove = button('×', named(t('form.remove')), () => {
    files.focus()
    edit((loras) => put(loras), '')
  })
  const file = labeled(named(t('form.lora_file')), files)
  file.append(remove)
  return {
    elements: [file, labeled(named(t('form.strength')), strength.input)],
    offer,
    show(lora, forced) {
      if (lora) {
        offer([lora.file])
        none.remove() // whoever types its letters would have chosen it at the first
      } else files.prepend(none)
      remove.hidden = !lora
      show(files, lora?.file ?? '', true)
      strength.input.disabled = !lora
      strength.show(lora?.strength ?? 1, forced)
    },
  }
}
