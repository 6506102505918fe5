// The keyboard of the editor, and the panel that lists its keys.

import { type Actions } from './actions'
import { duplicate, nudge, remove, reorder, stretch, toggle } from './commands'
import { type Stage } from './stage'
import { type State } from './state'
import { type ViewState } from './view'
import { h } from '../dom'
import { t } from '../i18n'

const ARROWS: Record<string, readonly [down: number, across: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
}
/** Where what is typed is text. */
export const TEXT = 'input:not([type=checkbox]), textarea, select, [contenteditable]'
/** Where letters and arrows have a meaning of their own. */
const OWN = '[role=tab], .resonance-words'

const HELP = [
  ['Tab', 'tab'],
  ['← ↑ ↓ →', 'move'],
  ['Shift + ← ↑ ↓ →', 'resize'],
  ['Ctrl + ← ↑ ↓ →', 'faster'],
  ['N', 'create'],
  ['Delete', 'remove'],
  ['Ctrl + D', 'duplicate'],
  ['Ctrl + C, X, V', 'clipboard'],
  ['Ctrl + A', 'all'],
  ['Home', 'global'],
  ['[ ]', 'order'],
  ['Shift + [ ]', 'ends'],
  ['L', 'lock'],
  ['H', 'hide'],
  ['Enter', 'words'],
  ['Ctrl + Z', 'undo'],
  ['Ctrl + Shift + Z, Ctrl + Y', 'redo'],
  ['+ - 0', 'zoom'],
  ['Space', 'pan'],
  ['Alt', 'free'],
  ['Shift', 'frame'],
  ['Ctrl + S, Ctrl + Enter', 'save'],
  ['Esc', 'escape'],
] as const

export interface Deeds {
  /** Nothing but saving and leaving happens while the layout is out of sight. */
  readonly active: () => boolean
  readonly save: () => void
  /** Leaves what is going on, or the editor. */
  readonly escape: () => void
  readonly help: () => void
  /** Brings the keyboard to the words of the selected region. */
  readonly words: () => void
}

export function keys(
  state: State,
  view: ViewState,
  stage: Stage,
  actions: Actions,
  deeds: Deeds,
): (event: KeyboardEvent) => void {
  const { run } = actions
  // What nobody sees is not moved or deleted with all the rest.
  const all = (): void => {
    const seen = state.canvas.regions.flatMap(({ hidden }, number) => (number && !hidden ? [number] : []))
    state.select(seen.length ? seen : [0])
  }

  function find(event: KeyboardEvent): (() => void) | undefined {
    const { shiftKey: shift } = event
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    const control = event.ctrlKey || event.metaKey
    if (key === 'Escape') return deeds.escape
    if (control && (key === 's' || key === 'Enter')) return deeds.save
    const target = event.target as Element
    if (!deeds.active() || target.closest(TEXT)) return
    if (control && key === 'z') return shift ? actions.redo : actions.undo
    if (control && key === 'y') return actions.redo
    if (target.closest(OWN)) return
    const arrow = ARROWS[key]
    if (arrow && !event.altKey) {
      const [down, across] = arrow.map((cells) => cells * (control ? 5 : 1)) as [number, number]
      return () =>
        run((...now) => (shift ? stretch : nudge)(...now, down, across), undefined, shift ? 'stretch' : 'nudge')
    }
    if (control && key === 'd') return () => run(duplicate)
    if (control && key === 'a') return all
    if (control || event.altKey) return
    const order =
      event.code === 'BracketRight' || key === ']' || key === '}'
        ? 1
        : event.code === 'BracketLeft' || key === '[' || key === '{'
          ? -1
          : 0
    if (order)
      return () => run((...now) => reorder(...now, order > 0 ? (shift ? 'front' : 'up') : shift ? 'back' : 'down'))
    switch (key) {
      case 'Delete':
      case 'Backspace':
        return () => run(remove, t('editor.said.removed'))
      case 'n':
        return () => {
          actions.create()
          stage.focus()
        }
      case 'l':
        return () => run((...now) => toggle(...now, 'locked'))
      case 'h':
        return () => run((...now) => toggle(...now, 'hidden'))
      case 'Home':
        return () => state.select([0])
      case 'Enter':
        return target.closest('button') ? undefined : deeds.words
      case '+':
      case '=':
        return () => stage.zoom(view.view.zoom * 1.25)
      case '-':
        return () => stage.zoom(view.view.zoom / 1.25)
      case '0':
        return () => stage.zoom(1)
      case '?':
        return deeds.help
    }
    return
  }

  return (event) => {
    // Neither the workflow's undo nor its Delete hears what is typed here.
    event.stopPropagation()
    if (event.defaultPrevented || event.isComposing) return
    const act = find(event)
    if (!act) return
    event.preventDefault()
    act()
  }
}

/** The keys, listed. */
export function help(): HTMLElement {
  const rows = HELP.flatMap(([key, name]) => [
    h('dt', {}, h('kbd', { textContent: key })),
    h('dd', { textContent: t(`editor.help.${name}`) }),
  ])
  return h(
    'div',
    { className: 'resonance-help', id: 'resonance-help', hidden: true },
    h('h3', { textContent: t('editor.help.title') }),
    h('dl', {}, ...rows),
  )
}
