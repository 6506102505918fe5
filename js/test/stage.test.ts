import { beforeEach, describe, expect, it, vi } from 'vitest'

vi.mock('../src/i18n', () => ({
  t: (key: string, values: Record<string, unknown> = {}) => [key, ...Object.values(values)].join(' '),
}))

vi.mock('../src/comfy', () => ({
  app: {},
  viewUrl: (picture: object) => `/view?${new URLSearchParams({ ...picture })}`,
}))

import { type Canvas, EMPTY, type Rect } from '../src/canvas/canvas'
import { change, setRects, toggle } from '../src/canvas/commands'
import { stage } from '../src/canvas/stage'
import { State } from '../src/canvas/state'
import { ViewState } from '../src/canvas/view'

const PART = (rect: Rect, mask = '') => ({ ...EMPTY, rect, mask, color: [255, 0, 0] as const })
const CANVAS: Canvas = { regions: [EMPTY, PART([0, 10, 20, 50]), PART([50, 60, 70, 80], 'AAAA')], origin: '' }

let state: State
let view: ViewState
let root: HTMLElement

const shapes = (): SVGElement[] => [...root.querySelectorAll<SVGElement>('[data-region]')]
const box = (shape: SVGElement | undefined): unknown[] => {
  const frame = shape?.firstElementChild
  return [shape?.getAttribute('transform'), frame?.getAttribute('width'), frame?.getAttribute('height')]
}

beforeEach(() => {
  state = new State(CANVAS)
  view = new ViewState({ aspect: 2, zoom: 1, snap: 5, background: null, heat: null })
  root = stage(state, view).element
})

describe('stage', () => {
  it('draws each region as a button that says what it is', () => {
    expect(shapes().map(box)).toEqual([
      ['translate(20 0)', '30', '10'],
      ['translate(70 50)', '10', '10'],
    ])
    expect(shapes().map((shape) => [shape.getAttribute('role'), shape.getAttribute('aria-pressed')])).toEqual([
      ['button', 'true'],
      ['button', 'false'],
    ])
    expect(shapes()[0]?.getAttribute('aria-label')).toBe('editor.region 1 editor.unnamed 20 0 30 10')
  })

  it('touches only what changed while a drag is shown, and takes it back', () => {
    const [first, second] = shapes()
    const set = vi.spyOn(second!, 'setAttribute')
    state.preview(setRects(CANVAS, new Map([[1, [5, 15, 25, 55]]])))
    expect(box(first)).toEqual(['translate(25 5)', '30', '10'])
    expect(set).not.toHaveBeenCalled()
    state.preview(null)
    expect(box(shapes()[0])).toEqual(['translate(20 0)', '30', '10'])
    expect(shapes()[0]).toBe(first)
  })

  it('writes only the names that changed', () => {
    const texts = (): unknown[] => shapes().map((shape) => shape.querySelector('text')?.firstChild)
    const [first, second] = texts()
    state.commit(change(CANVAS, [2], () => ({ name: 'boat' })))
    expect(texts()[0]).toBe(first)
    expect(texts()[1]).not.toBe(second)
  })

  it('shows a mask as the shape of its region', () => {
    const mask = shapes()[1]?.querySelector('mask')
    expect(mask?.querySelector('image')?.getAttribute('href')).toBe('data:image/png;base64,AAAA')
    expect(shapes()[1]?.querySelector('.fill')?.getAttribute('mask')).toBe(`url(#${mask?.id})`)
  })

  it('shows a picture in its region, and a crossed frame for one that is missing', () => {
    const pictures = (): SVGElement[] => [...root.querySelectorAll<SVGElement>('.resonance-picture')]
    const put = (file: string): void =>
      state.commit(change(state.canvas, [2], () => ({ picture: { file, strength: 1 } })))
    put('birds/gull.png')
    expect(pictures().map((picture) => picture.closest('[data-region]'))).toEqual([shapes()[1]])
    const image = pictures()[0]!.querySelector('image')!
    expect(image.getAttribute('href')).toContain('/view?filename=gull.png&subfolder=birds&type=input')
    expect(shapes()[1]?.getAttribute('aria-label')).toContain('editor.pictured birds/gull.png')
    image.dispatchEvent(new Event('error'))
    expect(pictures()[0]!.classList.contains('missing')).toBe(true)
    put('other.png')
    expect(pictures().map((picture) => picture.classList.contains('missing'))).toEqual([false])
    state.commit(change(state.canvas, [2], () => ({ picture: null })))
    expect(pictures()).toEqual([])
  })

  it('has handles only for one that can be moved', () => {
    const handles = root.querySelector<SVGElement>('.resonance-handles')
    expect(handles?.style.display).toBe('')
    state.commit(toggle(CANVAS, [1], 'locked').canvas)
    expect(handles?.style.display).toBe('none')
    state.undo()
    state.select([0])
    expect(handles?.style.display).toBe('none')
  })

  it('leaves hidden regions out', () => {
    state.commit(toggle(CANVAS, [1], 'hidden').canvas)
    expect(shapes().map((shape) => shape.style.display)).toEqual(['none', ''])
  })

  it('fits a background of another format, and tints heat with the colors of the regions', () => {
    view.set({
      background: { href: 'picture.png', opacity: 0.5, aspect: 1 },
      heat: { maps: [{ region: 2, href: 'map.png' }], opacity: 0.7 },
    })
    const picture = root.querySelector('image[href="picture.png"]')
    expect(['x', 'width', 'height', 'opacity'].map((name) => picture?.getAttribute(name))).toEqual([
      '22.5',
      '45',
      '90',
      '0.5',
    ])
    const layer = root.querySelector('image[href="map.png"]')?.closest('g')
    expect([layer?.getAttribute('fill'), layer?.parentElement?.getAttribute('opacity')]).toEqual(['#ff0000', '0.7'])
    view.set({ background: null, heat: null })
    expect(root.querySelector<SVGElement>('image[href="picture.png"]')?.style.display).toBe('none')
    expect(root.querySelector('image[href="map.png"]')).toBeNull()
  })

  it('follows no more once it is stopped', () => {
    const other = stage(state, view)
    other.stop()
    state.select([2])
    expect(other.element.querySelector('[data-region="2"]')?.getAttribute('aria-pressed')).toBe('false')
  })
})
