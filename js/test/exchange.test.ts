import { beforeEach, describe, expect, it, vi } from 'vitest'

const { ask } = vi.hoisted(() => ({ ask: vi.fn() }))
vi.mock('../src/comfy', () => ({ app: {}, ask }))

import { h } from '../src/dom'
import { read, readList } from '../src/canvas/canvas'
import { exportPanel, importPanel } from '../src/canvas/exchange_panels'
import { State } from '../src/canvas/state'

const OURS = [
  { prefixes: ['g'], from: '0123' },
  { rect: [0, 9, 0, 9], prefixes: ['g', 'a'] },
]
const THEIRS = [
  { prefixes: ['h'] },
  { rect: [5, 9, 0, 9], prefixes: ['h', 'b'] },
  { rect: [6, 9, 0, 9], prefixes: ['x'] },
]

describe('import and export', () => {
  let state: State
  let element: HTMLElement
  const press = async (name: string): Promise<void> => {
    const button = [...element.querySelectorAll('button')].find((one) => one.textContent === name)
    button!.click()
    await new Promise((done) => setTimeout(done))
  }
  const says = () => [...element.querySelectorAll('.says')].map((one) => one.textContent)

  beforeEach(() => {
    state = new State(readList(OURS))
    const size = { width: 640, height: 480 }
    element = h('div', {}, importPanel(state, size), exportPanel(state, size))
    document.body.replaceChildren(element)
    element.querySelector('textarea')!.value = 'written'
    ask.mockReset()
    ask.mockResolvedValue({ regions: THEIRS, notes: ['<b>note</b>'] })
  })

  it('replaces the canvas, which stays tied to what it was made from', async () => {
    await press('exchange.replace')
    expect(ask).toHaveBeenCalledWith('/resonance/canvas/read', { text: 'written', width: 640, height: 480 })
    expect(state.canvas.regions.map(({ prefixes }) => prefixes)).toEqual([['h'], ['h', 'b'], ['x']])
    expect([state.canvas.origin, state.selected]).toEqual(['0123', [1]])
    expect(element.querySelector('.notes li')?.textContent).toBe('<b>note</b>')
    state.undo()
    expect(state.canvas).toEqual(readList(OURS))
  })

  it('adds regions, which take our global description for theirs', async () => {
    await press('exchange.append')
    expect(state.canvas.regions.map(({ prefixes }) => prefixes)).toEqual([['g'], ['g', 'a'], ['g', 'b'], ['g', 'x']])
    expect(state.selected).toEqual([2, 3])
  })

  it('adds them once, however often the button is pressed meanwhile', async () => {
    void press('exchange.append')
    await press('exchange.append')
    expect(state.canvas.regions.length).toBe(4)
    await press('exchange.append')
    expect(state.canvas.regions.length).toBe(6)
  })

  it('leaves the canvas where nothing can be taken over', async () => {
    ask.mockResolvedValue({ regions: [{}], notes: [] })
    await press('exchange.append')
    expect(says()).toContain('exchange.nothing')
    ask.mockResolvedValue({ regions: [{}, ...Array(499).fill({ rect: [0, 9, 0, 9] })], notes: [] })
    await press('exchange.append')
    expect(says()).toContain('json.many')
    ask.mockRejectedValue(new Error('There is no canvas.'))
    await press('exchange.replace')
    expect(says()).toContain('There is no canvas.')
    element.querySelector('textarea')!.value = ' '.repeat(2 ** 23 + 1)
    await press('exchange.replace')
    expect(says()).toContain('json.long')
    expect(state.canvas).toEqual(readList(OURS))
  })

  it('gives JSON itself and asks for the other forms', async () => {
    const written = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue()
    await press('exchange.copy')
    expect(read(written.mock.lastCall![0])).toEqual({ ...state.canvas, origin: '' })
    element.querySelector('select')!.value = 'boxes'
    ask.mockResolvedValue({ text: '[[]]' })
    await press('exchange.copy')
    expect(ask.mock.lastCall![1]).toMatchObject({ form: 'boxes', width: 640, height: 480 })
    expect(written).toHaveBeenLastCalledWith('[[]]')
  })
})
