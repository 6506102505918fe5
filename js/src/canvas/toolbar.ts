// Buttons for what the keys do.

import { type Actions } from './actions'
import { align, distribute, duplicate, type Edge, locals, remove, reorder } from './commands'
import { type Icon, icon } from './icons'
import { type Stage } from './stage'
import { type State } from './state'
import { type ViewState } from './view'
import { h } from '../dom'
import { t } from '../i18n'

const EDGES: readonly Edge[] = ['left', 'center', 'right', 'top', 'middle', 'bottom']
const AXES = ['horizontally', 'vertically'] as const
const PLACES = ['front', 'up', 'down', 'back'] as const

interface Button {
  readonly element: HTMLButtonElement
  readonly usable: (state: State) => boolean
}

/** A button that shows an icon and is called by a text. */
export function iconButton(name: Icon, text: string, act: () => void, keys = ''): HTMLButtonElement {
  const title = keys ? `${text} (${keys})` : text
  return h(
    'button',
    { type: 'button', className: 'resonance-icon-button', title, ariaLabel: text, onclick: act },
    icon(name),
  )
}

/** Undo, new, align and so on. */
export function toolbar(state: State, { run, create, undo, redo }: Actions, ...more: HTMLElement[]): HTMLElement {
  const some = ({ selected }: State): boolean => locals(selected).length > 0
  const free = ({ canvas, selected }: State): boolean =>
    locals(selected).some((number) => !canvas.regions[number]?.locked)
  const button = (name: Icon, act: () => void, usable: Button['usable'], keys = ''): Button => ({
    element: iconButton(name, t(`editor.tools.${name}`), act, keys),
    usable,
  })
  const groups: Button[][] = [
    [button('undo', undo, () => state.canUndo, 'Ctrl+Z'), button('redo', redo, () => state.canRedo, 'Ctrl+Y')],
    [
      button('add', create, () => true, 'N'),
      button('duplicate', () => run(duplicate), some, 'Ctrl+D'),
      button('remove', () => run(remove, t('editor.said.removed')), free, 'Delete'),
    ],
    PLACES.map((to, i) =>
      button(to, () => run((...now) => reorder(...now, to)), some, ['Shift+]', ']', '[', 'Shift+['][i]),
    ),
    EDGES.map((edge) => button(edge, () => run((...now) => align(...now, edge)), free)),
    AXES.map((axis) =>
      button(
        axis,
        () => run((...now) => distribute(...now, axis)),
        ({ selected }) => locals(selected).length > 2,
      ),
    ),
  ]
  // Kept focusable: a button that goes dead under the keyboard would throw the focus off the page.
  const update = (): void => {
    for (const { element, usable } of groups.flat()) element.setAttribute('aria-disabled', String(!usable(state)))
  }
  let seen = [state.canvas, state.selected] as const
  state.subscribe(() => {
    if (seen[0] === state.canvas && seen[1] === state.selected) return
    seen = [state.canvas, state.selected]
    update()
  })
  update()
  return h(
    'div',
    { className: 'resonance-toolbar', role: 'toolbar', ariaLabel: t('editor.tools.title') },
    ...groups.map((buttons) => h('div', { className: 'resonance-group' }, ...buttons.map(({ element }) => element))),
    ...more,
  )
}

/** Cells that edges snap to, and the zoom. */
export function viewControls(view: ViewState, stage: Stage): HTMLElement {
  const snapping = h('input', { type: 'checkbox', onchange: () => view.set({ snap: snapping.checked ? 5 : 1 }) })
  const percent = h('output', { className: 'resonance-percent', ariaLabel: t('editor.tools.zoom') })
  const update = (): void => {
    snapping.checked = view.view.snap === 5
    percent.textContent = `${Math.round(view.view.zoom * 100)}%`
  }
  view.subscribe(update)
  update()
  return h(
    'div',
    { className: 'resonance-view' },
    h('label', { title: t('editor.tools.snap_help') }, snapping, t('editor.tools.snap')),
    h(
      'div',
      { className: 'resonance-group' },
      iconButton('farther', t('editor.tools.farther'), () => stage.zoom(view.view.zoom / 1.25), '-'),
      percent,
      iconButton('closer', t('editor.tools.closer'), () => stage.zoom(view.view.zoom * 1.25), '+'),
      iconButton('fit', t('editor.tools.fit'), () => stage.zoom(1), '0'),
    ),
  )
}
