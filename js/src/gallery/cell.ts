// What a cell of the grid shows: a thumbnail, or in words why there is none.

import { h } from '../dom'
import { t } from '../i18n'
import { SIGNS, stateName } from './says'
import { pictureUrl } from './server'
import { type Cell } from './table'
import { type Thumbnails } from './thumbnails'

const LOST = 'resonance-lost'

/** Whether the cell's picture could not be loaded. */
export const isLost = (element: HTMLElement): boolean => !!element.querySelector(`.${LOST}`)

export interface Shown {
  readonly session: string
  readonly lineage: string
  readonly cell: Cell | undefined
  /** The cell shows what the item was made from. */
  readonly source: boolean
}

export function fillCell(element: HTMLElement, shown: Shown, thumbnails: Thumbnails): void {
  const { session, cell, source } = shown
  element.ariaLabel = element.title = nameOf(shown)
  element.classList.toggle('resonance-nothing', !cell)
  const address = cell ? pictureUrl(session, cell, source ? 'source' : 1) : ''
  const before = element.querySelector('img')
  if (source && before?.dataset['address'] === address) return
  if (before) thumbnails.drop(before)
  if (!cell) element.replaceChildren()
  else if (!source && (cell.state !== 'done' || cell.files === 0))
    element.replaceChildren(sign(SIGNS[cell.state], stateName(cell.state)))
  else {
    const image = h('img', { alt: '', decoding: 'async', draggable: false, fetchPriority: 'low' })
    image.dataset['address'] = address
    image.onerror = () => image.replaceWith(sign('?', t('gallery.missing'), `resonance-sign ${LOST}`))
    thumbnails.want(image, address)
    element.replaceChildren(image)
    if (!source && cell.files > 1)
      element.append(h('span', { className: 'resonance-count', ariaHidden: 'true', textContent: String(cell.files) }))
  }
}

function nameOf({ lineage, cell, source }: Shown): string {
  if (!cell) return t('gallery.nothing', { lineage })
  if (source) return t('gallery.start_cell', { lineage })
  return t('gallery.cell', { lineage, round: cell.round, state: stateName(cell.state) })
}

function sign(mark: string, name: string, className = 'resonance-sign'): HTMLElement {
  return h('span', { className }, h('span', { ariaHidden: 'true', textContent: mark }), name)
}
