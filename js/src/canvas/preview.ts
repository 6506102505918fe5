// A small picture of a canvas on a node. It only shows.

import { viewUrl } from '../comfy'
import { addStyle, h, svg } from '../dom'
import { t } from '../i18n'
import { inputFile } from '../pictures'
import { type Canvas, GRID, hex, label, type Region } from './canvas'
import css from './preview.css?inline'

const LONGEST_TITLE = 600
const SHOWN_OF_ANSWER = 1000
const MOST_AREAS = 500

export interface Look {
  /** Null: the picture stays as it is. */
  readonly canvas?: Canvas | null
  /** Width of the picture by its height. */
  readonly aspect?: number
  /** What there is to say about it. */
  readonly says?: string
  readonly live?: boolean
  /** An answer that is being written. */
  readonly answer?: string
}

export interface Preview {
  readonly element: HTMLElement
  /** Where buttons go. */
  readonly actions: HTMLElement
  show(look: Look): void
}

/** With `open`, a click on the picture or Enter calls it. */
export function createPreview(open: (() => void) | null): Preview {
  addStyle('resonance-preview', css)
  const picture = open ? h('button', { type: 'button', onclick: open }) : h('div', { role: 'img' })
  picture.className = 'picture'
  const answer = h('div', { className: 'answer' })
  const says = h('div', { className: 'says', role: 'status' })
  const actions = h('div', { className: 'actions' })
  let shown = ''

  return {
    element: h(
      'div',
      { className: 'resonance-preview' },
      h('div', { className: 'pictures' }, picture, answer),
      says,
      actions,
    ),
    actions,
    show(look) {
      if (look.canvas) {
        picture.replaceChildren(draw(look.canvas, look.aspect ?? 1))
        picture.ariaLabel = describe(look.canvas, open !== null)
      }
      picture.classList.toggle('live', look.live ?? false)
      answer.textContent = (look.live && look.answer?.slice(-SHOWN_OF_ANSWER)) || ''
      // A status is read out when it is set, so it is set only when it is another.
      if (shown !== (look.says ?? '')) says.textContent = shown = look.says ?? ''
    },
  }
}

/** The canvas on a ground of its global color, 90 high. */
function draw(canvas: Canvas, aspect: number): SVGSVGElement {
  const [whole, ...others] = canvas.regions.slice(0, MOST_AREAS) as [Region, ...Region[]]
  const ground = svg('rect', { width: '100%', height: '100%', fill: hex(whole.color) })
  const areas = others.map((region, i) => {
    const [top, bottom, left, right] = region.rect
    const words = [...region.prefixes, ...region.suffixes].join('\n').slice(0, LONGEST_TITLE)
    return svg(
      'svg',
      { x: left * aspect, y: top, width: (right - left) * aspect, height: bottom - top },
      svg('title', {}, words),
      svg('rect', { class: 'area', width: '100%', height: '100%', fill: hex(region.color) }),
      svg('text', { x: 1.5, y: 6.5 }, label(canvas, i + 1)),
      ...(region.picture ? [pictureOf(region.picture.file)] : []),
    )
  })
  return svg('svg', { viewBox: `0 0 ${GRID * aspect} ${GRID}` }, ground, ...areas)
}

/** A file of the input folder; nothing, if it is missing. */
function pictureOf(file: string): SVGImageElement {
  const place = { x: 1.5, y: 9, width: 16, height: 16, preserveAspectRatio: 'xMinYMin meet' }
  const image = svg('image', { href: viewUrl(inputFile(file)), ...place })
  image.addEventListener('error', () => image.remove())
  return image
}

function describe(canvas: Canvas, opens: boolean): string {
  const count = canvas.regions.length - 1
  const names = canvas.regions.map((_, i) => (i ? label(canvas, i) : '')).filter(Boolean)
  const what = t(opens ? 'node.edit_described' : 'node.described', { count, names: names.slice(0, 12).join(', ') })
  return what.replace(/[:,]\s*$/, '')
}
