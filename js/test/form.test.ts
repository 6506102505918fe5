import { beforeEach, describe, expect, it, vi } from 'vitest'

vi.mock('../src/comfy', () => ({ app: {}, ask: vi.fn(() => Promise.resolve([])) }))

import { EMPTY, type Region, readList } from '../src/canvas/canvas'
import { form } from '../src/canvas/form'
import { State } from '../src/canvas/state'
import { texts } from '../src/canvas/texts'
import { details, sharedPrefixes, tagsOf, withDetails, withTags } from '../src/canvas/words'

const region = (suffixes: string[], tags: number | null): Region => ({ ...EMPTY, suffixes, tags })

describe('the words of a region', () => {
  it('are details and tags, whose place stays', () => {
    expect(details(region(['a', 't', 'b'], 1))).toEqual(['a', 'b'])
    expect(withDetails(region(['a', 't', 'b'], 1), ['x', 'y', 'z'])).toEqual({
      suffixes: ['x', 't', 'y', 'z'],
      tags: 1,
    })
    expect(withDetails(region(['a', 't'], 1), ['x', 'y'])).toEqual({ suffixes: ['x', 'y', 't'], tags: 2 })
    expect(withDetails(region(['a', 'b', 't', 'c'], 2), [])).toEqual({ suffixes: ['t'], tags: 0 })
    expect(withDetails(region(['a'], null), ['b'])).toEqual({ suffixes: ['b'] })
  })

  it('have tags, or none', () => {
    expect(tagsOf(region(['a', 't'], 1))).toBe('t')
    expect(withTags(region(['a'], null), 't')).toEqual({ suffixes: ['a', 't'], tags: 1 })
    expect(withTags(region(['t', 'a'], 0), 'u')).toEqual({ suffixes: ['u', 'a'] })
    expect(withTags(region(['t', 'a'], 0), ' ')).toEqual({ suffixes: ['a'], tags: null })
    expect(withTags(region(['a'], null), '')).toEqual({})
  })

  it('begin with the global prefixes only where they do', () => {
    const canvas = readList([
      { prefixes: ['g'] },
      { rect: [0, 9, 0, 9], prefixes: ['g', 'a'] },
      { rect: [0, 9, 0, 9], prefixes: ['x'] },
    ])
    expect(canvas.regions.slice(1).map((one) => sharedPrefixes(canvas, one))).toEqual([['g'], []])
  })
})

describe('a list of texts', () => {
  const opened = (...values: string[]) => {
    const changed = vi.fn()
    const list = texts('Detail', changed)
    document.body.replaceChildren(list.element)
    list.show(values, true)
    const boxes = () => [...list.element.querySelectorAll('textarea')]
    const press = (row: number, key: string, more: KeyboardEventInit = {}): void => {
      boxes()[row]!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
    }
    const type = (row: number, value: string): void => {
      boxes()[row]!.value = value
      boxes()[row]!.dispatchEvent(new Event('input', { bubbles: true }))
    }
    return { ...list, changed, boxes, press, type, rows: () => boxes().map((box) => box.value) }
  }

  it('has a row to type in even if it is empty', () => {
    expect(opened().rows()).toEqual([''])
  })

  it('gets rows by Enter, loses them by Backspace, and turns them by Alt and arrows', () => {
    const list = opened('a', 'b')
    list.press(0, 'Enter')
    expect(list.rows()).toEqual(['a', '', 'b'])
    expect(document.activeElement).toBe(list.boxes()[1])
    list.type(1, 'c')
    expect(list.changed).toHaveBeenLastCalledWith(['a', 'c', 'b'])
    list.press(1, 'ArrowDown', { altKey: true })
    expect(list.changed).toHaveBeenLastCalledWith(['a', 'b', 'c'])
    list.type(1, '')
    list.press(1, 'Backspace')
    expect(list.rows()).toEqual(['a', 'c'])
    list.press(0, 'Enter', { isComposing: true })
    list.press(0, 'Enter', { shiftKey: true })
    expect(list.rows()).toEqual(['a', 'c'])
  })

  it('keeps a blank row while its texts stay the same', () => {
    const list = opened('a')
    list.press(0, 'Enter')
    list.show(['a'], false)
    expect(list.rows()).toEqual(['a', ''])
    list.show(['a'], true)
    expect(list.rows()).toEqual(['a'])
    list.show(['x', 'y,z'], false)
    expect(list.rows()).toEqual(['x', 'y,z'])
  })
})

describe('texts without end', () => {
  it('have rows for some, and are all kept', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `text ${i}`)
    const changed = vi.fn<(texts: readonly string[]) => void>()
    const list = texts('Detail', changed)
    list.show(many, true)
    const boxes = list.element.querySelectorAll('textarea')
    expect(boxes.length).toBe(200)
    expect(list.element.textContent).toContain('form.more_rows')
    boxes[1]!.value = 'other'
    boxes[1]!.dispatchEvent(new Event('input'))
    expect(changed.mock.lastCall![0]).toEqual(['text 0', 'other', ...many.slice(2)])
    list.show(['a'], true)
    expect(list.element.textContent).not.toContain('form.more_rows')
  })
})

describe('the form', () => {
  let state: State
  let element: HTMLElement
  const control = (name: string): HTMLInputElement => {
    const label = [...element.querySelectorAll('label')].find((one) => one.textContent === name)
    return element.querySelector(`#${label!.htmlFor}`)!
  }
  const type = (name: string, value: string, event = 'input'): void => {
    const box = control(name)
    box.focus()
    box.value = value
    box.dispatchEvent(new Event(event, { bubbles: true }))
  }

  beforeEach(() => {
    state = new State(
      readList([{ prefixes: ['g'] }, { rect: [15, 75, 15, 75], prefixes: ['g', 'a'] }, { rect: [0, 9, 0, 9] }]),
    )
    element = form(state, () => undefined)
    document.body.replaceChildren(element)
  })

  it('makes the letters typed in a field one step', () => {
    for (const value of ['b', 'bo', 'boat']) type('form.name', value)
    for (const value of ['x', 'xy']) type('form.negative', value)
    expect(state.canvas.regions[1]).toMatchObject({ name: 'boat', negative: 'xy' })
    state.undo()
    expect(state.canvas.regions[1]).toMatchObject({ name: 'boat', negative: '' })
    expect(control('form.negative').value).toBe('')
    state.undo()
    expect(control('form.name').value).toBe('')
    expect(state.canUndo).toBe(false)
  })

  it('keeps words and rectangle in step', async () => {
    expect([control('form.location').value, control('form.area').value]).toEqual([
      'in the center',
      'a medium-sized square area',
    ])
    type('form.location', 'on the left', 'change')
    expect(state.canvas.regions[1]?.rect).toEqual([15, 75, 0, 45])
    expect([control('form.left').value, control('form.width').value]).toEqual(['0', '45'])
    type('form.left', '44')
    expect(state.canvas.regions[1]?.rect).toEqual([15, 75, 44, 89])
    expect(control('form.location').value).toBe('')
    type('form.height', '')
    expect(state.canvas.regions[1]?.rect).toEqual([15, 75, 44, 89])
    state.preview(readList([{}, { rect: [15, 75, 15, 75] }]))
    await new Promise(requestAnimationFrame)
    expect(control('form.location').value).toBe('in the center')
    state.preview(null)
    expect(control('form.location').value).toBe('')
  })

  it('follows a drag once per frame, and with no more than the place', () => {
    const frames: FrameRequestCallback[] = []
    vi.stubGlobal('requestAnimationFrame', (frame: FrameRequestCallback) => frames.push(frame))
    for (const name of ['x', 'y', 'z']) state.preview(readList([{}, { rect: [1, 2, 3, 4], name }]))
    vi.unstubAllGlobals()
    expect([frames.length, control('form.left').value]).toEqual([1, '15'])
    frames[0]!(0)
    expect([control('form.left').value, control('form.name').value]).toEqual(['3', ''])
  })

  it('keeps what is typed while it is typed', () => {
    type('form.width', '900')
    expect(control('form.width').value).toBe('900')
    expect(state.canvas.regions[1]?.rect).toEqual([15, 75, 15, 90])
    control('form.width').blur()
    expect(control('form.width').value).toBe('75')
  })

  it('changes all selected regions where that makes sense', () => {
    state.select([2, 1])
    type('form.weight', '0.5')
    type('form.end', '0.25')
    type('form.name', 'one')
    expect(state.canvas.regions.map(({ weight, end, name }) => [weight, end, name])).toEqual([
      [1, 1, ''],
      [0.5, 0.25, 'one'],
      [0.5, 0.25, ''],
    ])
    type('form.start', '0.5')
    expect(state.canvas.regions[2]).toMatchObject({ start: 0.25, end: 0.25 })
  })

  it('carries the global description into the regions that begin with it', () => {
    state.select([0])
    expect(control('form.name').closest('[hidden]')).not.toBeNull()
    const box = element.querySelector<HTMLTextAreaElement>('.texts textarea')!
    box.value = 'new'
    box.dispatchEvent(new Event('input', { bubbles: true }))
    expect(state.canvas.regions.map(({ prefixes }) => prefixes)).toEqual([['new'], ['new', 'a'], []])
  })

  it('says when nothing is selected', () => {
    state.select([])
    expect(element.textContent).toContain('form.none')
    expect(control('form.name').closest('[hidden]')).not.toBeNull()
  })
})
