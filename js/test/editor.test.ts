import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

vi.mock('../src/comfy', () => ({ app: {}, ask: vi.fn(() => Promise.resolve([])) }))

import { type Canvas, EMPTY, read, type Rect, write } from '../src/canvas/canvas'
import { openEditor } from '../src/canvas/editor'

const part = (name: string, rect: Rect) => ({ ...EMPTY, name, rect })
const CANVAS: Canvas = {
  regions: [EMPTY, part('far', [10, 20, 10, 20]), part('near', [30, 50, 30, 50])],
  origin: 'abc',
}

let saved: string[]
let dialog: HTMLDialogElement

function open(canvas = CANVAS, save = (text: string) => void saved.push(text), problem = '', note = ''): void {
  const pictures = { connected: () => null, last: () => null, heats: () => [] }
  dialog = openEditor({
    title: 'Canvas',
    canvas,
    text: problem ? '[{' : write(canvas),
    problem,
    note,
    width: 2,
    height: 1,
    snap: 5,
    pictures,
    save,
  })
}
const press = (key: string, more: KeyboardEventInit = {}): void => {
  const within = dialog.contains(document.activeElement) ? document.activeElement : dialog
  within!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
}
const names = (): string[] => read(saved.at(-1)!).regions.map(({ name }) => name)
const clipboard = (type: string, text = ''): DataTransfer => {
  const data = new DataTransfer()
  data.setData('text/plain', text)
  const event = Object.assign(new Event(type, { bubbles: true, cancelable: true }), { clipboardData: data })
  dialog.dispatchEvent(event)
  return data
}
const status = (): string => dialog.querySelector('.resonance-status')!.textContent!
const alert = (): string => dialog.querySelector('.resonance-problem')!.textContent!

beforeEach(() => {
  saved = []
  open()
})
afterEach(() => dialog.close())

describe('saving', () => {
  it('hands over what changed, and closes', () => {
    press('ArrowRight')
    press('s', { ctrlKey: true })
    expect(read(saved[0]!).regions[1]?.rect).toEqual([10, 20, 11, 21])
    expect(read(saved[0]!).origin).toBe('abc')
    expect(dialog.isConnected).toBe(false)
  })
  it('hands over nothing where nothing changed', () => {
    press('ArrowRight')
    press('z', { ctrlKey: true })
    press('Enter', { ctrlKey: true })
    expect([saved, dialog.isConnected]).toEqual([[], false])
  })
  it('says why it cannot, and stays', () => {
    dialog.close()
    open(CANVAS, () => {
      throw new Error('The node is gone.')
    })
    press('Delete')
    press('s', { ctrlKey: true })
    expect([alert(), dialog.isConnected]).toEqual(['The node is gone.', true])
  })
})

describe('a text that is no canvas', () => {
  beforeEach(() => {
    dialog.close()
    open(CANVAS, undefined, 'It breaks off.')
  })
  const giveUp = async (): Promise<void> => {
    const button = (): HTMLElement | undefined =>
      [...dialog.querySelectorAll('button')].find(({ textContent }) => textContent === 'json.give_up')
    await vi.waitUntil(button)
    button()!.click()
  }

  it('stays where nothing was done', async () => {
    press('s', { ctrlKey: true })
    expect(alert()).toBe('editor.json_problem')
    press('Escape')
    expect([saved, dialog.isConnected]).toEqual([[], false])
  })
  it('gives way to the canvas on saving', async () => {
    await giveUp()
    press('s', { ctrlKey: true })
    expect(names()).toEqual(['', 'far', 'near'])
  })
  it('was given up for nothing when the editor is left at once', async () => {
    await giveUp()
    press('Escape')
    expect(alert()).toBe('editor.unsaved')
  })
})

it('says what there is to say about the canvas until something is done', () => {
  dialog.close()
  open(CANVAS, undefined, '', 'Run once.')
  expect(alert()).toBe('Run once.')
  press('ArrowRight')
  expect(alert()).toBe('')
})

it('keeps a file that is dropped on it from the page', () => {
  const heard = vi.fn()
  document.addEventListener('drop', heard)
  const drop = (type: string): Event => {
    const event = new Event('drop', { bubbles: true, cancelable: true })
    dialog.dispatchEvent(Object.assign(event, { dataTransfer: { types: [type] } }))
    return event
  }
  expect([drop('Files').defaultPrevented, drop('text/plain').defaultPrevented]).toEqual([true, false])
  document.removeEventListener('drop', heard)
  expect(heard).not.toHaveBeenCalled()
})

describe('leaving', () => {
  it('asks once where something would be lost', () => {
    press('Delete')
    press('Escape')
    expect([alert(), dialog.isConnected]).toEqual(['editor.unsaved', true])
    press('Escape')
    expect([saved, dialog.isConnected]).toEqual([[], false])
  })
  it('asks nothing where nothing would', () => {
    press('Escape')
    expect(dialog.isConnected).toBe(false)
  })
})

describe('keys', () => {
  it('stay in the dialog', () => {
    const heard = vi.fn()
    document.addEventListener('keydown', heard)
    for (const key of ['Delete', 'q', 'z']) press(key)
    document.removeEventListener('keydown', heard)
    expect(heard).not.toHaveBeenCalled()
  })
  it('of text fields are left to them', async () => {
    const field = await vi.waitUntil(() => dialog.querySelector<HTMLElement>('.resonance-words input'))
    field!.focus()
    for (const key of ['Delete', 'n', 'h', 'ArrowLeft', 'z']) press(key, { ctrlKey: key === 'z' })
    press('s', { ctrlKey: true })
    expect(saved).toEqual([])
  })
  it('that an input method takes are none of ours', () => {
    press('Delete', { isComposing: true })
    press('Escape', { isComposing: true })
    expect(dialog.isConnected).toBe(true)
    press('Escape')
    expect([alert(), dialog.isConnected]).toEqual(['', false])
  })
  it('select all that is seen', () => {
    press('h')
    press('a', { ctrlKey: true })
    press('Delete')
    press('s', { ctrlKey: true })
    expect(names()).toEqual(['', 'far'])
  })
  it('order regions, and the keyboard stays with its region', () => {
    press(']')
    press('Delete')
    press('s', { ctrlKey: true })
    expect(names()).toEqual(['', 'near'])
  })
  it('open and close the list of keys', () => {
    press('?')
    expect(dialog.querySelector<HTMLElement>('.resonance-help')?.hidden).toBe(false)
    press('Escape')
    expect(dialog.querySelector<HTMLElement>('.resonance-help')?.hidden).toBe(true)
  })
})

describe('the clipboard', () => {
  it('takes regions as a canvas, and gives them back', () => {
    const copied = clipboard('copy').getData('text/plain')
    expect(read(copied).regions.map(({ name }) => name)).toEqual(['', 'far'])
    clipboard('paste', copied)
    press('s', { ctrlKey: true })
    expect(names()).toEqual(['', 'far', 'near', 'far'])
  })
  it('gives no more than a canvas has room for', () => {
    const many = Array.from({ length: 499 }, () => part('', [0, 9, 0, 9]))
    clipboard('paste', write({ regions: [EMPTY, ...many], origin: '' }))
    expect(status()).toBe('editor.said.full')
    press('s', { ctrlKey: true })
    expect([saved, dialog.isConnected]).toEqual([[], false])
  })
  it('leaves a canvas with too many regions open to deleting', () => {
    dialog.close()
    open({ regions: [EMPTY, ...Array.from({ length: 501 }, () => part('', [0, 9, 0, 9]))], origin: '' })
    press('n')
    expect(status()).toBe('editor.said.full')
    press('Delete')
    press('s', { ctrlKey: true })
    expect(names().length).toBe(501)
  })
  it('says what it cannot take', () => {
    clipboard('paste', '{"a": 1}')
    expect(status()).toBe('editor.said.no_canvas')
    clipboard('paste', write({ regions: [EMPTY], origin: '' }))
    expect(status()).toBe('editor.said.only_global')
  })
})

it('shows hostile words as text', () => {
  dialog.close()
  open({ regions: [EMPTY, part('<img src=x onerror=alert(1)>', [0, 9, 0, 9])], origin: '' })
  expect(dialog.querySelector('img')).toBeNull()
  expect(dialog.querySelector('.resonance-list .words')?.textContent).toBe('1 <img src=x onerror=alert(1)>')
})
