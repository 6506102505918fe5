import { beforeEach, expect, test, vi } from 'vitest'
import { BLANK, type Canvas, EMPTY, write } from '../src/canvas/canvas'
import { ask, type LGraphNode, type Output } from '../src/comfy'
import { sizeOf, effectiveOf } from '../src/effective'

let output: Output | undefined
vi.mock('../src/comfy', () => ({ ask: vi.fn(), outputOf: () => output }))
vi.mock('../src/i18n', () => ({ t: (key: string) => key }))

const MINE = write({ ...BLANK, regions: [EMPTY, { ...EMPTY, name: 'mine' }] })
const EDITED = write({ regions: [EMPTY, { ...EMPTY, name: 'edited' }], origin: 'digest' })
const THEIRS = write({ ...BLANK, regions: [EMPTY, { ...EMPTY, name: 'theirs' }] })

const node = (text: string, ...linked: string[]) =>
  ({
    widgets: Object.entries({ canvas_text: text, width: 512, height: 256 }).map(([name, value]) => ({ name, value })),
    inputs: ['canvas_text', 'canvas', 'boxes', 'image'].map((name) => ({
      name,
      link: linked.includes(name) ? 1 : null,
    })),
  }) as unknown as LGraphNode
const named = (canvas: Canvas | null) => canvas?.regions.slice(1).map(({ name }) => name)
const source = async (text: string, ...linked: string[]) => {
  const { canvas, problem, note, origin } = await effectiveOf(node(text, ...linked), () => Promise.resolve())
  return [named(canvas), problem || note, origin]
}

beforeEach(() => {
  output = undefined
  vi.mocked(ask).mockReset()
})

test('the text counts while nothing is connected', async () => {
  expect(await source(MINE)).toEqual([['mine'], '', ''])
  expect(await source('')).toEqual([[], '', ''])
  expect(ask).not.toHaveBeenCalled()
})

test('what is connected counts, but for edits that were made from it', async () => {
  expect(await source(MINE, 'canvas')).toEqual([['mine'], 'node.run_first', ''])
  output = { resonance_upstream: [THEIRS], resonance_from: ['digest'] }
  expect(await source('', 'boxes')).toEqual([['theirs'], '', 'digest'])
  expect(await source(MINE, 'canvas')).toEqual([['theirs'], 'node.outdated', 'digest'])
  expect(await source(EDITED, 'canvas')).toEqual([['edited'], '', 'digest'])
  expect(await source(MINE)).toEqual([['mine'], '', ''])
})

test('a connected text is known after a run', async () => {
  expect(await source(MINE, 'canvas_text')).toEqual([[], 'node.text_connected', ''])
  output = { resonance_canvas: [THEIRS] }
  expect(await source(MINE, 'canvas_text')).toEqual([['theirs'], 'node.text_connected', ''])
})

test('the server reads what is no JSON list, and says what is wrong with it', async () => {
  vi.mocked(ask).mockResolvedValueOnce({ regions: JSON.parse(THEIRS), notes: ['a note'] })
  expect(await source('canvas = Canvas()')).toEqual([['theirs'], 'node.note', ''])
  expect(ask).toHaveBeenCalledWith('/resonance/canvas/read', { text: 'canvas = Canvas()', width: 512, height: 256 })
  vi.mocked(ask).mockRejectedValueOnce(new Error('line 1'))
  expect(await source('[{')).toEqual([undefined, 'line 1', ''])
  vi.mocked(ask).mockRejectedValueOnce(new Error('Item 0'))
  expect(await source('[{"rect": 1}]')).toEqual([undefined, 'Item 0', ''])
  vi.mocked(ask).mockResolvedValueOnce({ regions: JSON.parse(THEIRS), notes: [] })
  expect(await source('[{"description": "an answer"}]')).toEqual([['theirs'], '', ''])
  vi.mocked(ask).mockRejectedValueOnce(new Error('too many'))
  expect((await source(JSON.stringify([{}, ...Array(500).fill({ rect: [0, 9, 0, 9] })])))[1]).toBe('too many')
})

test('the size is that of the connected image, once it is known', () => {
  expect(sizeOf(node('', 'image'))).toEqual([512, 256])
  output = { resonance_size: [100, 50] }
  expect(sizeOf(node('', 'image'))).toEqual([100, 50])
  expect(sizeOf(node(''))).toEqual([512, 256])
})
