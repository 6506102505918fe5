// The regions and the handles of the stage. There is one element for each region, and of it only what changed is touched:
// a drag must not cost more with a hundred regions than with one.

import { hex, label, type Canvas, type Region } from './canvas'
import { HANDLES } from './geometry'
import { thumbnail } from './picture'
import { type State } from './state'
import { showText, svg } from '../dom'
import { t } from '../i18n'

interface Shape {
  readonly element: SVGGElement
  /** Cuts off what does not fit, such as a long name. */
  readonly frame: SVGSVGElement
  readonly fill: SVGRectElement
  readonly text: SVGTextElement
  mask: SVGMaskElement | null
  picture: SVGGElement | null
  drawn: Region | null
}

export interface Shapes {
  readonly regions: SVGGElement
  readonly handles: SVGGElement
  draw(): void
  element(number: number): SVGElement | undefined
}

let masks = 0

/** A grey picture as the shape of something. Returns the mask and how to refer to it. */
export function maskOf(href: string): { mask: SVGMaskElement; reference: string } {
  const id = `resonance-mask-${++masks}`
  const image = svg('image', { href, width: '100%', height: '100%', preserveAspectRatio: 'none' })
  return { mask: svg('mask', { id, maskContentUnits: 'userSpaceOnUse' }, image), reference: `url(#${id})` }
}

export function shapes(state: State): Shapes {
  const regions = svg('g')
  const handles = svg('g', { class: 'resonance-handles' })
  const grips = HANDLES.map((handle) => {
    const [x, y] = [
      handle.includes('w') ? -1 : handle.includes('e') ? 1 : 0,
      handle.includes('n') ? -1 : handle.includes('s') ? 1 : 0,
    ]
    // What can be taken hold of lies mostly outside, so that a small region can still be moved.
    const hit = svg('rect', { class: 'hit', x: 8 * x - 12, y: 8 * y - 12, width: 24, height: 24 })
    const seen = svg('rect', { class: 'seen', x: -5, y: -5, width: 10, height: 10, rx: 2 })
    const grip = svg('g', { 'data-handle': handle }, svg('g', { class: 'resonance-undistorted' }, hit, seen))
    grip.style.cursor = `${handle}-resize`
    return { grip, x: (x + 1) / 2, y: (y + 1) / 2 }
  })
  handles.append(...grips.map(({ grip }) => grip))

  const drawn: Shape[] = []
  let named: Canvas | null = null
  let pressed: readonly number[] = []

  function make(number: number): Shape {
    const fill = svg('rect', { class: 'fill', width: '100%', height: '100%' })
    const edge = svg('rect', { class: 'edge', width: '100%', height: '100%' })
    const text = svg('text', { class: 'resonance-undistorted', x: 9, y: 20 })
    const frame = svg('svg', {}, fill, edge, text)
    const pressed = String(state.selected.includes(number))
    const element = svg(
      'g',
      { class: 'resonance-region', role: 'button', tabindex: 0, 'aria-pressed': pressed, 'data-region': number },
      frame,
    )
    regions.append(element)
    return { element, frame, fill, text, mask: null, picture: null, drawn: null }
  }

  function update(shape: Shape, region: Region): void {
    const { element, frame, drawn: before } = shape
    if (region.rect !== before?.rect) {
      const [top, bottom, left, right] = region.rect
      const was = before?.rect
      // Moved as a whole, nothing within has to be laid out again.
      if (top !== was?.[0] || left !== was[2]) element.setAttribute('transform', `translate(${left} ${top})`)
      if (!was || right - left !== was[3] - was[2]) frame.setAttribute('width', String(right - left))
      if (!was || bottom - top !== was[1] - was[0]) frame.setAttribute('height', String(bottom - top))
    }
    if (region.color !== before?.color) element.style.setProperty('--color', hex(region.color))
    if (region.hidden !== before?.hidden) element.style.display = region.hidden ? 'none' : ''
    if (region.locked !== before?.locked) element.classList.toggle('locked', region.locked)
    if (region.mask !== (before?.mask ?? '')) {
      shape.mask?.remove()
      shape.mask = null
      shape.fill.removeAttribute('mask')
      if (region.mask) {
        const { mask, reference } = maskOf(`data:image/png;base64,${region.mask}`)
        frame.prepend(mask)
        shape.fill.setAttribute('mask', reference)
        shape.mask = mask
      }
    }
    if (region.picture?.file !== before?.picture?.file) {
      shape.picture?.remove()
      shape.picture = region.picture && thumbnail(region.picture)
      if (shape.picture) frame.append(shape.picture)
    }
    shape.drawn = region
  }

  function draw(): void {
    const { shown, selected } = state
    const count = shown.regions.length - 1
    for (let number = 1; number <= count; number++) {
      const shape = (drawn[number - 1] ??= make(number))
      const region = shown.regions[number]
      if (region && region !== shape.drawn) update(shape, region)
    }
    for (const shape of drawn.splice(count)) shape.element.remove()
    if (shown === state.canvas && shown !== named) name(shown)
    if (selected !== pressed) press(selected)
    place()
  }

  function name(canvas: Canvas): void {
    named = canvas
    drawn.forEach(({ element, text }, i) => {
      const words = label(canvas, i + 1)
      showText(text, words ? `${i + 1} ${words}` : String(i + 1))
      element.setAttribute('aria-label', describe(canvas, i + 1))
    })
  }

  function press(selected: readonly number[]): void {
    pressed = selected
    drawn.forEach(({ element }, i) => element.setAttribute('aria-pressed', String(selected.includes(i + 1))))
  }

  function place(): void {
    const number = state.selected.at(-1) ?? 0
    const region = state.shown.regions[number]
    const usable = number > 0 && region && !region.locked && !region.hidden
    handles.style.display = usable ? '' : 'none'
    if (!usable) return
    const [top, bottom, left, right] = region.rect
    for (const { grip, x, y } of grips)
      grip.setAttribute('transform', `translate(${left + x * (right - left)} ${top + y * (bottom - top)})`)
  }

  return { regions, handles, draw, element: (number) => drawn[number - 1]?.element }
}

/** A region in words, for those who hear it. */
export function describe(canvas: Canvas, number: number): string {
  const region = canvas.regions[number]
  if (!region) return ''
  const name = label(canvas, number) || t('editor.unnamed')
  if (number === 0) return t('editor.global')
  const [top, bottom, left, right] = region.rect
  const words = t('editor.region', { number, name, left, top, width: right - left, height: bottom - top })
  const states = [
    region.locked && t('editor.locked'),
    region.hidden && t('editor.hidden'),
    region.picture && t('editor.pictured', { file: region.picture.file }),
  ].filter(Boolean)
  return [words, ...states].join(', ')
}
