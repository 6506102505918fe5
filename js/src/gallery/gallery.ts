// The sidebar tab with the rounds: a session's pictures as they are made.

import { app, ask, loadTexts, on } from '../comfy'
import { addStyle, h } from '../dom'
import { t } from '../i18n'
import { setting, THUMBNAILS } from '../settings'
import css from './gallery.css?inline'
import { makeGrid } from './grid'
import { makeHeader } from './header'
import { openLarge, type Large } from './large'
import { askGrid, askSessions, command, type Act, type News, type Status, type Unread } from './server'
import { EMPTY, makeTable, takeIn, type Table } from './table'

/** Milliseconds between two loads of the grid. */
const PAUSE = 1000

/** How ComfyUI says what is queued. */
interface Prompt {
  exec_info: { queue_remaining: number }
}

/** What a person chose, while the page is open. */
const chosen = { session: '' }

let turnedTo: ((session: string) => void) | undefined

/** Shows that session, now or when the gallery is opened. */
export function showSession(session: string): void {
  chosen.session = session
  turnedTo?.(session)
}

/** Builds the gallery in the element. Returns what closes it. */
export function openGallery(element: HTMLElement): () => void {
  let close: (() => void) | undefined
  let open = true
  void loadTexts().then(() => {
    if (open) close = build(element)
  })
  return () => {
    open = false
    close?.()
  }
}

function build(element: HTMLElement): () => void {
  addStyle('resonance-gallery', css)
  const size = setting<number>(THUMBNAILS) ?? 96
  const sessions = new Map<string, Status>()
  let table: Table = EMPTY
  let idle = true
  let open = true
  let broken = false
  let large: Large | null = null
  let turn = 0
  let missed: News[] | null = null
  let loaded = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined

  const failed = (error: unknown): void => header.complain((error as Error).message)

  /** Like `failed`, until the grid is there. */
  const broke = (error: unknown): void => {
    broken = true
    failed(error)
  }

  /** Until the grid of another session is there, none of its cells can be taken for one of the session before. */
  const turnTo = (session: string): void => {
    chosen.session = session
    turn++
    table = EMPTY
    large?.close()
    grid.show(session, table)
  }

  const showHeader = (): void => header.show(sessions.values(), chosen.session, idle)

  const list = async (): Promise<void> => {
    const [found, { exec_info: queue }] = await Promise.all([askSessions(), ask<Prompt>('/prompt')])
    if (!open) return
    idle = !queue.queue_remaining
    sessions.clear()
    const unread: Unread[] = []
    for (const each of found) {
      if ('unread' in each) unread.push(each)
      else sessions.set(each.session, each)
    }
    header.cannotRead(unread)
    if (!sessions.has(chosen.session)) turnTo([...sessions.keys()][0] ?? '')
    showHeader()
  }

  /** Loads the grid, of a session that is not shown yet first the first rows; what is heard meanwhile is taken in afterwards. */
  const load = async (): Promise<void> => {
    const session = chosen.session
    if (!session || !open) return
    const mine = ++turn
    const late: News[] = []
    missed = late
    loaded = performance.now()
    try {
      const answer = await askGrid(session, table === EMPTY)
      if (mine !== turn) return
      table = makeTable(answer)
      sessions.set(session, answer.status)
      grid.show(session, table)
      large?.refresh()
      showHeader()
      if (broken) header.complain('')
      broken = false
      if (answer.more) return load()
    } catch (error) {
      if (mine !== turn) return
      broke(error)
    }
    missed = null
    for (const news of late) hear(news)
  }

  const loadSoon = (): void => {
    timer ??= setTimeout(
      () => {
        timer = undefined
        void load()
      },
      Math.max(0, loaded + PAUSE - performance.now()),
    )
  }

  const hear = (news: News): void => {
    sessions.set(news.session, news)
    if (!chosen.session) choose(news.session)
    showHeader()
    if (news.session !== chosen.session) return
    if (missed) {
      missed.push(news)
      return
    }
    const cell = news.changed && takeIn(table, news.changed)
    if (!cell) return loadSoon()
    grid.refresh(cell)
    large?.refresh()
  }

  const choose = (session: string): void => {
    turnTo(session)
    header.complain('')
    showHeader()
    void load()
  }

  const act = async (name: Act): Promise<void> => {
    header.complain('')
    try {
      await command(chosen.session, name)
    } catch (error) {
      failed(error)
    }
  }

  const again = (): void => {
    list().then(loadSoon, broke)
  }

  const grid = makeGrid(size, (cell, source) => {
    large = openLarge(
      {
        session: chosen.session,
        table: () => table,
        closed(last) {
          large = null
          if (open) grid.focus(last)
        },
        left: () => frame?.close(),
      },
      cell,
      source,
    )
  })
  const header = makeHeader({
    size,
    choose,
    act: (name) => void act(name),
    resize(size) {
      void app.extensionManager.setting.set(THUMBNAILS, size)
      grid.resize(size)
    },
    enlarge: () => (frame ? frame.close() : enlarge()),
  })
  const root = h('div', { className: 'resonance-gallery' }, header.element, grid.element)
  root.addEventListener('keydown', (event) => {
    // The sidebar is inside what ComfyUI takes for the graph: its selected nodes would be deleted.
    if (event.key === 'Delete' || event.key === 'Backspace') event.stopPropagation()
  })
  element.style.height = '100%'
  element.append(root)

  // The same gallery in a dialog that fills the window.
  let frame: HTMLDialogElement | null = null
  const enlarge = (): void => {
    const dialog = h('dialog', { className: 'resonance-frame', ariaLabel: t('gallery.title') })
    frame = dialog
    const move = (into: HTMLElement): void => {
      const { scrollLeft, scrollTop } = grid.element
      into.append(root)
      header.enlarged(into === dialog)
      grid.element.scrollTo(scrollLeft, scrollTop)
    }
    dialog.addEventListener('keydown', (event) => event.stopPropagation())
    dialog.addEventListener('close', () => {
      frame = null
      if (open) move(element)
      dialog.remove()
    })
    document.body.append(dialog)
    dialog.showModal()
    move(dialog)
  }

  const quiet = [
    on<News>('resonance.rounds', hear),
    on('reconnected', again),
    on<Partial<Prompt> | null>('status', (status) => {
      idle = !status?.exec_info?.queue_remaining
      showHeader()
    }),
  ]
  list().then(load, broke)
  turnedTo = (session) => {
    if (sessions.has(session)) choose(session)
    else again()
  }

  return () => {
    turnedTo = undefined
    for (const stop of quiet) stop()
    clearTimeout(timer)
    turn++
    open = false
    large?.close()
    frame?.close()
    grid.close()
    root.remove()
  }
}
