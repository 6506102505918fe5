import { beforeEach, describe, expect, it, vi } from 'vitest'

vi.mock('../src/comfy', () => ({
  app: {},
  ask: vi.fn(() => Promise.resolve(['night.safetensors', 'oil.safetensors'])),
}))

import type { Lora } from '../src/canvas/canvas'
import { loraField } from '../src/canvas/loras'

let loras: readonly Lora[]
const field = loraField((changed) => {
  loras = changed(loras)
  field.show(loras, false)
})
const selects = (): HTMLSelectElement[] => [...field.element.querySelectorAll('select')]
const choose = (row: number, file: string): void => {
  selects()[row]!.value = file
  selects()[row]!.dispatchEvent(new Event('change'))
}

describe('the LoRAs of a region', () => {
  beforeEach(() => {
    document.body.replaceChildren(field.element)
    loras = ['a', 'b', 'c'].map((file, i) => ({ file, strength: i }))
    field.show(loras, true)
  })

  it('are added in the empty row behind them, and changed in theirs', () => {
    choose(3, 'oil.safetensors')
    choose(1, 'night.safetensors')
    expect(loras.map(({ file, strength }) => [file, strength])).toEqual([
      ['a', 0],
      ['night.safetensors', 1],
      ['c', 2],
      ['oil.safetensors', 1],
    ])
    expect(selects()).toHaveLength(5)
  })

  it('go one at a time', () => {
    const buttons = [...field.element.querySelectorAll('button')]
    expect(buttons.map(({ ariaLabel, hidden }) => [ariaLabel, hidden])).toEqual([
      ['form.remove', false],
      ['form.remove 2', false],
      ['form.remove 3', false],
      ['form.remove 4', true],
    ])
    buttons[0]!.click()
    expect(loras.map(({ file }) => file)).toEqual(['b', 'c'])
    expect(document.activeElement).toBe(selects()[0])
  })

  it('offer "none" in the empty row only', () => {
    const empty = selects().map((select) => [...select.options].some(({ value }) => !value))
    expect(empty).toEqual([false, false, false, true])
  })
})
