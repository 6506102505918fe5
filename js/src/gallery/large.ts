// One item in large: its picture, its words, where it came from and where it went.

import { copy } from '../copy'
import { h } from '../dom'
import { t } from '../i18n'
import { loadWorkflow, sendToLoadImage } from './actions'
import { makePlot } from './plot'
import { SIGNS, stateName } from './says'
import { askDrift, askItem, askWorkflow, pictureUrl, type Item } from './server'
import { across, along, isSame, type Cell, type Table } from './table'
import { describeItem } from './words'

interface From {
  readonly session: string
  table(): Table
  /** The view was closed at this item. */
  closed(cell: Cell): void
  /** The graph was replaced: the gallery gets out of the way. */
  left(): void
}

export interface Large {
  /** The table has changed: shows the item again if it has. */
  refresh(): void
  close(): void
}

export function openLarge(from: From, start: Cell, startWithSource: boolean): Large {
  let cell = start
  let item: Item | null = null
  let number = 0
  let comparing = startWithSource
  let turn = 0

  const button = (label: string, act: () => void, text = label): HTMLButtonElement => {
    const made = h('button', { type: 'button', textContent: text, title: label, ariaLabel: label })
    made.addEventListener('click', () => made.ariaDisabled === 'true' || act())
    return made
  }
  const enable = (button: HTMLButtonElement, on: boolean): void => {
    button.ariaDisabled = String(!on)
  }

  const title = h('h2', { id: 'resonance-large-title', ariaLive: 'polite' })
  const said = h('p', { role: 'status', className: 'resonance-said' })
  const alert = h('p', { role: 'alert', className: 'resonance-error' })
  const figures = h('div', { className: 'resonance-figures' })
  const caption = h('figcaption')
  const choices = h('div', { className: 'resonance-choices', role: 'group', ariaLabel: t('gallery.results') })
  const side = h('div', { className: 'resonance-side' })
  const drift = h('section', {})
  const paste = h('textarea', { readOnly: true, hidden: true, rows: 4, ariaLabel: t('gallery.copy') })

  const goTo = (id: number | null | undefined): void => {
    const next = id == null ? undefined : from.table().byId.get(id)
    if (next) show(next)
  }
  const step = (by: 1 | -1): void => goTo(across(from.table(), cell, by)?.id)
  // Until the item itself is there, the table knows enough for somebody in a hurry.
  const before = (): number | null | undefined => (item ? item.parent : along(from.table(), cell, -1)?.id)
  const after = (): number | undefined => item?.children[0] ?? along(from.table(), cell, 1)?.id
  const back = button(t('gallery.back'), () => goTo(before()), '←')
  const forth = button(t('gallery.forth'), () => goTo(after()), '→')
  const up = button(t('gallery.up'), () => step(-1), '↑')
  const down = button(t('gallery.down'), () => step(1), '↓')
  const branches = h('span', { className: 'resonance-choices' })
  const compare = button(t('gallery.compare'), () => {
    comparing = !comparing
    drawPictures()
  })
  const close = button(t('gallery.close'), () => dialog.close(), '✕')

  const withPicture = (act: (picture: Item['pictures'][number]) => void | Promise<void>) => async (): Promise<void> => {
    const picture = item?.pictures[number]
    alert.textContent = said.textContent = ''
    try {
      if (picture) await act(picture)
    } catch (error) {
      alert.textContent = (error as Error).message
    }
  }
  const send = button(
    t('gallery.send'),
    withPicture((picture) => {
      sendToLoadImage(picture)
      said.textContent = t('gallery.sent')
    }),
  )
  const load = button(
    t('gallery.load'),
    withPicture(async (picture) => {
      const [id, result] = [cell.id, number + 1]
      await loadWorkflow(picture, () => askWorkflow(from.session, id, result))
      dialog.close()
      from.left()
    }),
  )
  const copyItem = button(t('gallery.copy'), async () => {
    if (!item) return
    paste.value = item.json
    const done = await copy(item.json)
    paste.hidden = done
    if (!done) paste.select()
    said.textContent = t(done ? 'gallery.copied' : 'gallery.copy_by_hand')
  })

  const dialog = h(
    'dialog',
    { className: 'resonance-gallery resonance-large', tabIndex: -1 },
    h('header', {}, title, h('nav', { ariaLabel: t('gallery.move') }, back, forth, branches, up, down), close),
    h('div', { className: 'resonance-main' }, figures, side),
    h('footer', {}, choices, compare, send, load, copyItem, said, alert, paste),
  )
  dialog.setAttribute('aria-labelledby', title.id)

  const figure = (alt: string, address: string, caption: HTMLElement): HTMLElement => {
    const image = h('img', { alt, src: address })
    image.onerror = () => image.replaceWith(h('p', { className: 'resonance-sign', textContent: t('gallery.missing') }))
    return h('figure', {}, image, caption)
  }

  /** Draws what the table tells: the title and the pictures. */
  const drawPictures = (): void => {
    const lineage = from.table().lineages[cell.row] ?? ''
    const round = cell.round
    title.textContent = t('gallery.item_title', { lineage, round })
    const results = cell.state === 'done' ? cell.files : 0
    const result = results
      ? figure(t('gallery.result_alt', { lineage, round }), pictureUrl(from.session, cell, number + 1, true), caption)
      : h('p', { className: 'resonance-sign', textContent: `${SIGNS[cell.state]} ${stateName(cell.state)}` })
    // Else what somebody in a hurry passes by would be loaded to its end.
    for (const image of figures.querySelectorAll('img')) image.removeAttribute('src')
    figures.replaceChildren(result)
    if (comparing) {
      const named = h('figcaption', { textContent: t('gallery.source') })
      const address = pictureUrl(from.session, cell, 'source', true)
      figures.prepend(figure(t('gallery.source_alt', { lineage, round }), address, named))
    }
    compare.ariaPressed = String(comparing)
    choices.hidden = results < 2
    choices.replaceChildren(
      ...Array.from({ length: results }, (_, n) => {
        const choice = button(t('gallery.result', { n: n + 1 }), () => choose(n), String(n + 1))
        choice.ariaPressed = String(n === number)
        return choice
      }),
    )
  }

  const enableMoves = (): void => {
    enable(back, before() != null)
    enable(forth, after() !== undefined)
    enable(up, !!across(from.table(), cell, -1))
    enable(down, !!across(from.table(), cell, 1))
  }

  /** Draws what only the item itself tells. */
  const drawItem = (): void => {
    caption.textContent = item?.pictures[number]?.filename ?? ''
    const children = item?.children ?? []
    const { byId, lineages } = from.table()
    branches.replaceChildren(
      ...(children.length < 2 ? [] : children).map((id) =>
        button(t('gallery.branch'), () => goTo(id), lineages[byId.get(id)?.row ?? -1] ?? '?'),
      ),
    )
    enableMoves()
    for (const each of [send, load]) enable(each, !!item?.pictures.length)
    enable(copyItem, !!item)
    enable(compare, item?.source !== null)
  }

  const choose = (n: number): void => {
    number = n
    drawPictures()
    drawItem()
    choices.querySelectorAll('button')[n]?.focus()
  }

  /** Keys are heard by the dialog: it takes the focus from what is gone, such as the row of the table that led here. */
  const keepFocus = (): void => {
    if (!dialog.contains(document.activeElement)) dialog.focus()
  }

  const show = (next: Cell): void => {
    if (next.id !== cell.id) number = 0
    cell = next
    item = null
    drawPictures()
    drawItem()
    keepFocus()
    void fetchItem(++turn)
  }

  const fetchItem = async (mine: number): Promise<void> => {
    const { session } = from
    alert.textContent = said.textContent = ''
    paste.hidden = true
    side.ariaBusy = 'true'
    try {
      const found = await askItem(session, cell.id)
      if (mine !== turn) return
      item = found
      drawItem()
      side.ariaBusy = 'false'
      drift.replaceChildren()
      side.replaceChildren(...describeItem(item), drift)
      keepFocus()
      await showDrift(mine)
    } catch (error) {
      if (mine !== turn) return
      alert.textContent = (error as Error).message
      if (!item) side.replaceChildren()
      side.ariaBusy = 'false'
    }
  }

  /** Draws the plot, and once more when the server has read all pictures of a long lineage. */
  const showDrift = async (mine: number): Promise<void> => {
    const note = h('p')
    for (let before = Infinity; ;) {
      const found = await askDrift(from.session, cell.id)
      if (mine !== turn) return
      const over = !found.missing || found.missing >= before
      if (over || before === Infinity) {
        const open = !!drift.querySelector('details')?.open
        const plot = makePlot(found, cell.id, goTo)
        for (const table of plot.querySelectorAll('details')) table.open = open
        drift.replaceChildren(h('h3', { textContent: t('gallery.drift') }), plot, note)
        keepFocus()
      }
      note.textContent = over ? '' : t('gallery.no_color_yet', { n: found.missing })
      if (over) return
      before = found.missing
    }
  }

  dialog.addEventListener('keydown', (event) => {
    event.stopPropagation()
    if (event.ctrlKey || event.altKey || event.metaKey || event.target === paste) return
    const keys: Record<string, () => void> = {
      ArrowLeft: () => back.click(),
      ArrowRight: () => forth.click(),
      ArrowUp: () => up.click(),
      ArrowDown: () => down.click(),
      c: () => compare.click(),
    }
    const act = keys[event.key === 'C' ? 'c' : event.key]
    if (!act) return
    event.preventDefault()
    act()
  })
  dialog.addEventListener('close', () => {
    turn = -1
    dialog.remove()
    from.closed(cell)
  })
  document.body.append(dialog)
  dialog.showModal()
  dialog.focus()
  show(start)

  return {
    refresh() {
      const now = from.table().byId.get(cell.id) ?? cell
      if (!isSame(now, cell)) return show(now)
      cell = now
      enableMoves()
    },
    close: () => dialog.close(),
  }
}
