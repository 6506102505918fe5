// The picture's place with the regions on it: 90 by 90 cells in the picture's own aspect, which can be zoomed and scrolled.

import { GRID, hex, type Rect } from './canvas'
import { clamp, type Point } from './geometry'
import { maskOf, shapes } from './shapes'
import { type State } from './state'
import { type Background, type Heat, type ViewState } from './view'
import { h, svg } from '../dom'
import { t } from '../i18n'

const MARGIN = 24
const MOST = 16

export interface Stage {
  readonly element: HTMLElement
  /** What takes the pointer: the picture's place and the margin around it. */
  readonly sheet: HTMLElement
  /** Where on the grid something on the page is, in cells and parts of them. */
  point(event: { clientX: number; clientY: number }): Point
  /** Scrolls by pixels. */
  pan(x: number, y: number): void
  /** Zooms; what is at the point of the page stays there. */
  zoom(zoom: number, at?: Point): void
  /** Shows the frame of a selection, or none. */
  band(rect: Rect | null): void
  /** Brings the keyboard to the region that was selected last. */
  focus(): void
  stop(): void
}

export function stage(state: State, view: ViewState): Stage {
  const { regions, handles, draw, element: regionElement } = shapes(state)
  const picture = svg('image', { preserveAspectRatio: 'none' })
  const heat = svg('g')
  const frame = svg('rect', { class: 'resonance-band' })
  const drawing = svg(
    'svg',
    {
      viewBox: `0 0 ${GRID} ${GRID}`,
      preserveAspectRatio: 'none',
      role: 'group',
      tabindex: 0,
      'aria-label': t('editor.stage'),
    },
    picture,
    heat,
    regions,
    handles,
    frame,
  )
  const sheet = h('div', { className: 'resonance-sheet' }, drawing)
  const scroller = h('div', { className: 'resonance-scroller' }, sheet)
  const element = h('div', { className: 'resonance-stage' }, scroller)

  let background: Background | null = null
  let maps: Heat | null = null
  let selected: readonly number[] = []
  band(null)

  function render(): void {
    const focused = document.activeElement as SVGElement | null
    const within = drawing.contains(focused)
    draw()
    for (const [i, layer] of [...heat.children].entries()) {
      const color = state.shown.regions[maps?.maps[i]?.region ?? 0]?.color
      if (color) layer.setAttribute('fill', hex(color))
    }
    // The keyboard follows the selection, and never falls off the page with a region that is gone.
    const gone = !drawing.contains(focused) || focused?.style.display === 'none'
    if (within && (gone || state.selected !== selected)) focus()
    selected = state.selected
  }

  function look(): void {
    if (view.view.background !== background) {
      background = view.view.background
      showPicture(background)
    }
    if (view.view.heat !== maps) {
      if (view.view.heat?.maps !== maps?.maps) showMaps(view.view.heat)
      maps = view.view.heat
      heat.setAttribute('opacity', String(maps?.opacity ?? 1))
      render()
    }
    sheet.classList.toggle('coarse', view.view.snap === 5)
    fit()
  }

  function showPicture(shown: Background | null): void {
    picture.style.display = shown ? '' : 'none'
    if (!shown) return
    // The view box is square whatever the aspect is, so that a picture of another one has to be fitted by hand.
    const ratio = shown.aspect / view.view.aspect
    const [width, height] = [GRID * Math.min(1, ratio), GRID * Math.min(1, 1 / ratio)]
    const place = { x: (GRID - width) / 2, y: (GRID - height) / 2, width, height, opacity: shown.opacity }
    for (const [name, value] of Object.entries(place)) picture.setAttribute(name, String(value))
    if (picture.getAttribute('href') !== shown.href) picture.setAttribute('href', shown.href)
  }

  function showMaps(shown: Heat | null): void {
    const layers = (shown?.maps ?? []).map(({ href }) => {
      const { mask, reference } = maskOf(href)
      return svg('g', {}, mask, svg('rect', { width: GRID, height: GRID, mask: reference }))
    })
    heat.replaceChildren(...layers)
  }

  function fit(): void {
    const { aspect, zoom } = view.view
    const [wide, high] = [element.clientWidth - 2 * MARGIN, element.clientHeight - 2 * MARGIN]
    const height = Math.max(1, Math.min(high, wide / aspect)) * zoom
    const width = height * aspect
    drawing.style.width = `${width}px`
    drawing.style.height = `${height}px`
    drawing.style.setProperty('--pixel-x', String(GRID / width))
    drawing.style.setProperty('--pixel-y', String(GRID / height))
    // Enlarged, every corner of the picture can be brought to the middle.
    sheet.style.padding = zoom > 1 ? `${element.clientHeight / 2}px ${element.clientWidth / 2}px` : ''
  }

  function point({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const { left, top, width, height } = drawing.getBoundingClientRect()
    return { x: ((clientX - left) / width) * GRID, y: ((clientY - top) / height) * GRID }
  }

  function pan(x: number, y: number): void {
    scroller.scrollLeft -= x
    scroller.scrollTop -= y
  }

  function zoomTo(zoom: number, at?: Point): void {
    const outer = scroller.getBoundingClientRect()
    const { x, y } = at ?? { x: outer.left + outer.width / 2, y: outer.top + outer.height / 2 }
    const cell = point({ clientX: x, clientY: y })
    view.set({ zoom: clamp(zoom, 1, MOST) })
    const { left, top, width, height } = drawing.getBoundingClientRect()
    pan(x - left - (cell.x / GRID) * width, y - top - (cell.y / GRID) * height)
  }

  function band(rect: Rect | null): void {
    frame.style.display = rect ? '' : 'none'
    if (!rect) return
    const [top, bottom, left, right] = rect
    for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top }))
      frame.setAttribute(name, String(value))
  }

  function focus(): void {
    const region = regionElement(state.selected.at(-1) ?? 0)
    const reachable = region && region.style.display !== 'none'
    ;(reachable ? region : drawing).focus({ preventScroll: true })
  }

  drawing.addEventListener('focusin', (event) => {
    const number = Number((event.target as SVGElement).dataset['region'] ?? 0)
    if (number && !state.selected.includes(number)) state.select([number])
  })
  element.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      zoomTo(view.view.zoom * Math.exp(-event.deltaY / 500), { x: event.clientX, y: event.clientY })
    },
    { passive: false },
  )
  const observer = new ResizeObserver(fit)
  observer.observe(element)
  const stops = [state.subscribe(render), view.subscribe(look), () => observer.disconnect()]
  look()
  render()
  return { element, sheet, point, pan, zoom: zoomTo, band, focus, stop: () => stops.forEach((stop) => stop()) }
}
