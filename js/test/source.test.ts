import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

vi.mock('../src/comfy', () => ({ app: {}, ask: vi.fn() }))
vi.mock('../src/i18n', () => ({
  t: (key: string, values: object = {}) => [key, ...Object.values(values).map(String)].join(' '),
}))

import { readList, write } from '../src/canvas/canvas'
import { fault, locate, position } from '../src/canvas/locate'
import { sourceText } from '../src/canvas/source_text'
import { State } from '../src/canvas/state'

const TEXT = JSON.stringify(
  [
    { rect: [0, 90, 0, 90], 'a"\\b': { x: [1, { y: null }] } },
    { rect: [1, 2, 3, 4], prefixes: ['😀 \\ "x"\n'] },
  ],
  null,
  1,
)

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('the place of an error', () => {
  it.each([
    ['', 0, 'end'],
    ['[', 1, 'end'],
    ['[1 2]', 3, 'list'],
    ['[1,]', 3, 'value'],
    ['{"a" 1}', 5, 'colon'],
    ['{"a":1 "b":2}', 7, 'object'],
    ['{"a":1,}', 7, 'key'],
    ['{a:1}', 1, 'key'],
    ['["abc\n"]', 1, 'string'],
    ['["abc', 1, 'string'],
    ['["a\\x"]', 3, 'escape'],
    ['["a\tb"]', 3, 'escape'],
    ['[01]', 2, 'list'],
    ['[nul]', 1, 'value'],
    ['[] x', 3, 'more'],
    ['{"a":[1,2}', 9, 'list'],
  ])('in %j is %i: %s', (text, offset, kind) => {
    expect(fault(text)).toEqual({ offset, kind })
  })

  it('is found wherever JSON.parse finds one, and nowhere else', () => {
    let seed = 1
    const dice = (sides: number): number => (seed = (seed * 48271) % 2147483647) % sides
    const pieces = [
      '',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '1',
      '.',
      'e',
      '-',
      ' ',
      '\n',
      '\u0001',
      'u00',
      'null',
      '0',
    ]
    for (let round = 0; round < 20000; round += 1) {
      let text = TEXT
      for (let times = 1 + dice(2); times > 0; times -= 1) {
        const at = dice(text.length)
        text = text.slice(0, at) + (pieces[dice(pieces.length)] ?? '') + text.slice(at + dice(3))
      }
      expect(fault(text) === null, text).toBe(parses(text))
    }
  })

  it('is found in deep nesting and in long texts', () => {
    expect(fault('['.repeat(200_000))).toEqual({ offset: 200_000, kind: 'end' })
    const long = `[${'"x",'.repeat(1_000_000)}]`
    expect(fault(long)).toEqual({ offset: long.length - 1, kind: 'value' })
  })

  it('is told in lines and columns from 1', () => {
    expect(position('ab\ncd', 0)).toEqual({ line: 1, column: 1 })
    expect(position('ab\ncd', 2)).toEqual({ line: 1, column: 3 })
    expect(position('ab\ncd', 4)).toEqual({ line: 2, column: 2 })
  })
})

describe('the place of a value', () => {
  it('is where its path leads', () => {
    for (const [path, found] of [
      [[], '['],
      [[1], '{\n  "rect": [\n   1'],
      [[1, 'rect'], '[\n   1,\n   2'],
      [[1, 'rect', 2], '3'],
      [[0, 'a"\\b', 'x', 1, 'y'], 'null'],
      [[1, 'prefixes', 0], '"😀'],
    ] as const)
      expect(TEXT.slice(locate(TEXT, path)).startsWith(found), String(path)).toBe(true)
  })

  it('is that around it where the path leads nowhere', () => {
    expect(locate(TEXT, [1, 'color'])).toBe(locate(TEXT, [1]))
  })
})

describe('the text of a canvas', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    document.body.replaceChildren()
  })
  afterEach(() => void vi.useRealTimers())

  const opened = (text = '', problem = '') => {
    const state = new State(readList([{}, { rect: [0, 9, 0, 9] }]))
    const made = sourceText(state, text, problem)
    document.body.append(made.element)
    made.shown()
    const box = made.element.querySelector('textarea')!
    const type = (value: string): void => {
      box.value = value
      box.dispatchEvent(new Event('input'))
    }
    return { state, ...made, box, type, says: made.element.querySelector('.says')! }
  }

  it('is taken over after a pause, as one step', () => {
    const { state, type, problem } = opened()
    type('[{},')
    type('[{"name":"x"}]')
    expect(state.canvas.regions).toHaveLength(2)
    vi.advanceTimersByTime(400)
    expect(state.canvas.regions[0].name).toBe('x')
    expect(problem()).toBe('')
    state.undo()
    expect(state.canvas.regions).toHaveLength(2)
    expect(state.canUndo).toBe(false)
  })

  it('that cannot be read leaves the canvas, and says where', () => {
    const { state, type, problem, says } = opened()
    const before = state.canvas
    type('[{},\n {"rect": [0, 9, 0, 9]},\n {"name": "a",\n  "rect": [0, 99, 0, 9]}]')
    expect(problem()).toMatch(/^json.at 4 11 Item 2 of the list: rect is not/)
    expect(says.textContent).toBe(problem())
    type('[{},\n {]')
    expect(problem()).toBe('json.at 2 3 json.key')
    expect(state.canvas).toBe(before)
  })

  it('follows the canvas, but not over what could not be read', () => {
    const { state, type, box, problem, element } = opened()
    const next = readList([{ name: 'next' }])
    state.commit(next)
    expect(box.value).toBe(write(next))
    type('[')
    expect(problem()).not.toBe('')
    state.commit(readList([{ name: 'later' }]))
    expect(box.value).toBe('[')
    element.querySelectorAll('button')[1]!.click()
    expect(box.value).toBe(write(state.canvas))
    expect(problem()).toBe('')
  })

  it('that could not be read at opening is shown as it is', () => {
    const { box, problem, says } = opened('what?', 'no canvas')
    expect([box.value, problem(), says.textContent]).toEqual(['what?', 'no canvas', 'no canvas'])
  })

  it('is refused where it is too long or has too many regions', () => {
    const { type, problem } = opened()
    type(`[${' '.repeat(2 ** 23)}]`)
    expect(problem()).toMatch(/^json.long 8,388,608/)
    type(`[{}${',{"rect":[0,9,0,9]}'.repeat(500)}]`)
    expect(problem()).toBe('json.many 501 500')
  })
})
