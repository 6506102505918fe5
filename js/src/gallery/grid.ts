// The pictures of a session: lineages as rows, rounds as columns. Only what can be seen, a margin around it and the cell
// that has the focus exist as elements.

import { h } from '../dom'
import { t } from '../i18n'
import { fillCell, isLost } from './cell'
import { cellAt, EMPTY, isSame, span, type Cell, type Table } from './table'
import { makeThumbnails } from './thumbnails'

/** Pixels: width of the row heads, height of the column heads, space between cells. */
const HEAD = 68
const TOP = 26
const GAP = 4

interface Place {
  readonly row: number
  readonly column: number
}

interface Row {
  readonly element: HTMLElement
  readonly cells: Map<number, HTMLElement>
}

export interface Grid {
  readonly element: HTMLElement
  /** Shows a session. What was in view stays in view if it is the same session. */
  show(session: string, table: Table): void
  /** Draws one cell again. */
  refresh(cell: Cell): void
  /** Sets the size of the thumbnails, in pixels. */
  resize(size: number): void
  /** Brings a cell into view and gives it the focus. */
  focus(cell: Cell): void
  close(): void
}

/** Takes elements away that are not wanted any more, and makes those that are missing. */
function sync<T>(shown: Map<number, T>, wanted: ReadonlySet<number>, make: (n: number) => T, drop: (old: T) => void) {
  for (const [number, old] of shown) {
    if (wanted.has(number)) continue
    drop(old)
    shown.delete(number)
  }
  for (const number of wanted) if (!shown.has(number)) shown.set(number, make(number))
}

function numbers([first, end]: [number, number], active: number, count: number): Set<number> {
  const found = new Set<number>()
  for (let n = first; n < end; n++) found.add(n)
  if (active < count) found.add(active)
  return found
}

/** @param open is called with the item of a cell that was chosen, and whether the cell shows its source. */
export function makeGrid(size: number, open: (cell: Cell, source: boolean) => void): Grid {
  let session = ''
  let table = EMPTY
  let step = size + GAP
  let active: Place = { row: 0, column: 0 }
  let frame = 0
  const rows = new Map<number, Row>()
  const heads = new Map<number, HTMLElement>()
  const thumbnails = makeThumbnails()

  const corner = h('div', {
    role: 'columnheader',
    className: 'resonance-grid-corner',
    textContent: t('gallery.lineage'),
  })
  const headRow = h('div', { role: 'row', className: 'resonance-grid-top', ariaRowIndex: '1' }, corner)
  const body = h('div', { role: 'rowgroup', className: 'resonance-grid-rows' })
  const element = h(
    'div',
    { role: 'grid', className: 'resonance-grid' },
    h('div', { role: 'rowgroup', className: 'resonance-grid-heads' }, headRow),
    body,
  )
  corner.ariaColIndex = '1'

  const columnCount = (): number => (table.rounds.length ? table.rounds.length + 1 : 0)

  const makeHead = (column: number): HTMLElement => {
    const round = table.rounds[column - 1]
    const text = round === undefined ? t('gallery.start') : t('gallery.round', { round })
    const head = h('div', { role: 'columnheader', ariaColIndex: String(column + 2), textContent: text, title: text })
    head.style.left = `${HEAD + column * step}px`
    headRow.append(head)
    return head
  }

  const makeRow = (row: number): Row => {
    const lineage = table.lineages[row] ?? ''
    const [aspect, scale, prompt] = table.told[row] ?? []
    const combines = aspect === undefined ? '' : t('gallery.combines', { aspect, scale: String(scale) })
    const head = h('div', { role: 'rowheader', ariaColIndex: '1', title: prompt ?? lineage }, h('span', {}, lineage))
    if (combines) head.append(h('small', {}, combines))
    const element = h('div', { role: 'row', className: 'resonance-grid-row', ariaRowIndex: String(row + 2) }, head)
    element.style.top = `${row * step}px`
    body.append(element)
    return { element, cells: new Map() }
  }

  const makeCell = (into: Row, row: number, column: number): HTMLElement => {
    const element = h('div', { role: 'gridcell', tabIndex: -1, ariaColIndex: String(column + 2) })
    element.dataset['row'] = String(row)
    element.dataset['column'] = String(column)
    element.style.left = `${HEAD + column * step}px`
    if (row === active.row && column === active.column) element.tabIndex = 0
    fill(element, row, column)
    into.element.append(element)
    return element
  }

  const dropCell = (element: HTMLElement): void => {
    for (const image of element.querySelectorAll('img')) thumbnails.drop(image)
    element.remove()
  }

  const dropRow = (row: Row): void => {
    row.cells.forEach(dropCell)
    row.element.remove()
  }

  const fill = (element: HTMLElement, row: number, column: number): void => {
    const shown = {
      session,
      lineage: table.lineages[row] ?? '',
      cell: cellAt(table, row, column),
      source: column === 0,
    }
    fillCell(element, shown, thumbnails)
  }

  const draw = (): void => {
    frame = 0
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element
    if (!clientWidth) return
    const across = numbers(span(scrollLeft, clientWidth - HEAD, step, columnCount()), active.column, columnCount())
    const count = table.lineages.length
    const down = numbers(span(scrollTop, clientHeight - TOP, step, count), active.row, count)
    sync(heads, across, makeHead, (head) => head.remove())
    sync(rows, down, makeRow, dropRow)
    for (const [number, row] of rows) sync(row.cells, across, (column) => makeCell(row, number, column), dropCell)
  }

  /** Tells the browser and screen readers how large the whole grid is. */
  const measure = (): void => {
    element.ariaLabel = t('gallery.grid', { session })
    element.ariaRowCount = String(table.lineages.length + 1)
    element.ariaColCount = String(columnCount() + 1)
    element.style.setProperty('--step', `${step}px`)
    body.style.height = `${table.lineages.length * step}px`
    body.style.width = headRow.style.width = `${HEAD + columnCount() * step}px`
  }

  /** Forgets what is drawn and draws it anew, for another table or size. */
  const rebuild = (): void => {
    const focused = element.contains(document.activeElement)
    rows.forEach(dropRow)
    rows.clear()
    heads.forEach((head) => head.remove())
    heads.clear()
    measure()
    draw()
    if (focused) at(active)?.focus({ preventScroll: true })
  }

  /** Takes a later table of the same session. What is drawn stays where it is if that is still its place. */
  const update = (next: Table): void => {
    const before = table
    table = next
    const stays =
      before.rounds.every((round, n) => next.rounds[n] === round) &&
      [...rows.keys()].every((row) => before.lineages[row] === next.lineages[row])
    if (stays) {
      measure()
      for (const [row, { cells }] of rows)
        for (const [column, drawn] of cells)
          if (isLost(drawn) || !isSame(cellAt(before, row, column), cellAt(next, row, column))) fill(drawn, row, column)
      draw()
      return
    }
    const top = Math.floor(element.scrollTop / step)
    const moved = (row: number): number => next.rows.get(before.lineages[row] ?? '') ?? row
    const scrolled = (moved(top) - top) * step
    active = { row: moved(active.row), column: active.column }
    rebuild()
    if (scrolled) element.scrollTop += scrolled
  }

  const at = ({ row, column }: Place): HTMLElement | undefined => rows.get(row)?.cells.get(column)

  const activate = (place: Place): void => {
    const before = at(active)
    if (before) before.tabIndex = -1
    active = place
    const now = at(active)
    if (now) now.tabIndex = 0
  }

  const go = (row: number, column: number): void => {
    activate({
      row: Math.max(0, Math.min(row, table.lineages.length - 1)),
      column: Math.max(0, Math.min(column, columnCount() - 1)),
    })
    const into = (scroll: number, room: number, start: number): number =>
      start < scroll ? start : Math.max(scroll, start + step - room)
    element.scrollTop = into(element.scrollTop, element.clientHeight - TOP, active.row * step)
    element.scrollLeft = into(element.scrollLeft, element.clientWidth - HEAD, active.column * step)
    draw()
    at(active)?.focus({ preventScroll: true })
  }

  const choose = ({ row, column }: Place): void => {
    const cell = cellAt(table, row, column)
    if (cell) open(cell, column === 0)
  }

  const placeOf = (target: EventTarget | null): Place | undefined => {
    const cell = (target as Element).closest<HTMLElement>('[role=gridcell]')
    return cell ? { row: Number(cell.dataset['row']), column: Number(cell.dataset['column']) } : undefined
  }

  element.addEventListener('scroll', () => {
    thumbnails.scrolled()
    frame ||= requestAnimationFrame(draw)
  })
  element.addEventListener('focusin', (event) => {
    const place = placeOf(event.target)
    if (place) activate(place)
  })
  element.addEventListener('click', (event) => {
    const place = placeOf(event.target)
    if (place) choose(place)
  })
  element.addEventListener('keydown', (event) => {
    if (event.altKey || event.metaKey || (event.ctrlKey && event.key !== 'Home' && event.key !== 'End')) return
    const { row, column } = active
    const page = Math.max(1, Math.floor((element.clientHeight - TOP) / step))
    const keys: Record<string, () => void> = {
      ArrowUp: () => go(row - 1, column),
      ArrowDown: () => go(row + 1, column),
      ArrowLeft: () => go(row, column - 1),
      ArrowRight: () => go(row, column + 1),
      Home: () => go(event.ctrlKey ? 0 : row, 0),
      End: () => go(event.ctrlKey ? table.lineages.length : row, columnCount()),
      PageUp: () => go(row - page, column),
      PageDown: () => go(row + page, column),
      Enter: () => choose(active),
      ' ': () => choose(active),
    }
    const act = keys[event.key]
    if (!act) return
    event.preventDefault()
    event.stopPropagation()
    act()
  })
  const observer = new ResizeObserver(draw)
  observer.observe(element)

  return {
    element,
    show(shown, next) {
      if (shown === session) return update(next)
      session = shown
      table = next
      active = { row: 0, column: 0 }
      element.scrollTo(0, 0)
      rebuild()
    },
    refresh(cell) {
      const columns = cell.round === table.rounds[0] ? [0, 1] : [table.rounds.indexOf(cell.round) + 1]
      for (const column of columns) {
        const element = at({ row: cell.row, column })
        if (element) fill(element, cell.row, column)
      }
    },
    resize(size) {
      const { scrollTop, scrollLeft } = element
      const scale = (size + GAP) / step
      step = size + GAP
      rebuild()
      element.scrollTo(scrollLeft * scale, scrollTop * scale)
    },
    focus(cell) {
      const column = table.rounds.indexOf(cell.round) + 1
      const shown = active.column === 0 && column === 1 && active.row === cell.row ? 0 : column
      go(cell.row, shown)
    },
    close() {
      observer.disconnect()
      cancelAnimationFrame(frame)
      rows.forEach(dropRow)
    },
  }
}
