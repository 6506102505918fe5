// The editor: a large dialog with the layout, the words of its regions, and its JSON.

import { actions, summary } from './actions'
import { backgroundControls, type Pictures } from './background'
import { type Canvas, write } from './canvas'
import { clipboard } from './clipboard'
import css from './editor.css?inline'
import { exchange } from './exchange'
import { help, keys } from './keys'
import { list } from './list'
import { dropTarget, putPicture } from './picture'
import { pointer } from './pointer'
import { source } from './source'
import { stage } from './stage'
import { State } from './state'
import { toolbar, viewControls } from './toolbar'
import { ViewState } from './view'
import { addStyle, h } from '../dom'
import { t } from '../i18n'

export interface Opening {
  readonly title: string
  readonly canvas: Canvas
  /** What the node holds. */
  readonly text: string
  /** Why the text is no canvas, or empty. */
  readonly problem: string
  /** What else there is to say about the canvas, or nothing. */
  readonly note: string
  /** Of the picture, in pixels. */
  readonly width: number
  readonly height: number
  /** Cells to which edges snap. */
  readonly snap: 1 | 5
  /** That can be shown under the regions. */
  readonly pictures: Pictures
  /** Takes the JSON of the changed canvas. Throws an Error with a sentence if it cannot. */
  save(text: string): void
}

type Tab = 'layout' | 'json'

/** Opens the editor. It is gone when its dialog closes. */
export function openEditor(opening: Opening): HTMLDialogElement {
  addStyle('resonance-editor', css)
  const state = new State(opening.canvas)
  const view = new ViewState({
    aspect: opening.width / opening.height,
    zoom: 1,
    snap: opening.snap,
    background: null,
    heat: null,
  })
  const before = write(opening.canvas)

  const status = h('p', { className: 'resonance-status', role: 'status' })
  const problem = h('p', { className: 'resonance-problem', role: 'alert' })
  const say = (text: string): void => void (status.textContent = text)
  const warn = (text: string): void => void (problem.textContent = text)

  const act = actions(state, say)
  const drawing = stage(state, view)
  const dragging = pointer(state, view, drawing, act)
  const json = source(state, opening.text, opening.problem)
  const words = h('div', { className: 'resonance-words' })
  const put = (file: File, number: number): void => void putPicture(state, number, file, say, warn)
  dropTarget(drawing.sheet, state, put)
  void import('./form').then(({ form }) => words.append(form(state, put)))
  const keyList = help()
  const helpButton = h('button', {
    type: 'button',
    textContent: '?',
    title: t('editor.help.title'),
    onclick: () => toggleHelp(),
  })
  helpButton.setAttribute('aria-label', t('editor.help.title'))
  helpButton.setAttribute('aria-controls', keyList.id)
  helpButton.ariaExpanded = 'false'

  const panels: Record<Tab, HTMLElement> = {
    layout: h(
      'div',
      { className: 'resonance-layout' },
      toolbar(state, act, exchange(state, { width: opening.width, height: opening.height })),
      h(
        'div',
        { className: 'resonance-left' },
        drawing.element,
        h(
          'div',
          { className: 'resonance-under' },
          viewControls(view, drawing),
          backgroundControls(view, opening.pictures, state),
        ),
      ),
      h('div', { className: 'resonance-right' }, list(state, act), words),
      keyList,
    ),
    json: h('div', { className: 'resonance-json' }, json.element),
  }
  const { bar, show, shown } = tabs(panels, (tab) => {
    if (tab === 'json') json.shown()
  })

  const title = h('h2', { id: 'resonance-editor-title', textContent: opening.title })
  const dialog = h(
    'dialog',
    // Focusable, so that a click on bare ground does not take the keyboard out of it.
    { className: 'resonance-editor', tabIndex: -1 },
    h('header', {}, title, bar, helpButton),
    panels.layout,
    panels.json,
    h(
      'footer',
      {},
      status,
      problem,
      h('button', { type: 'button', textContent: t('editor.cancel'), onclick: () => leave() }),
      h('button', {
        type: 'button',
        className: 'primary',
        textContent: t('editor.save'),
        title: 'Ctrl+S',
        onclick: () => save(),
      }),
    ),
  )
  dialog.setAttribute('aria-labelledby', title.id)

  const active = (): boolean => shown() === 'layout'
  let asked = false

  function save(): void {
    const wrong = json.problem()
    if (wrong) return warn(t('editor.json_problem', { problem: wrong }))
    const text = write(state.canvas)
    try {
      if (text !== before || opening.problem) opening.save(text)
    } catch (error) {
      return warn((error as Error).message)
    }
    dialog.close()
  }

  function leave(): void {
    const typed = json.problem() !== opening.problem
    if (asked || (!typed && write(state.canvas) === before)) return dialog.close()
    asked = true
    warn(t('editor.unsaved'))
  }

  function escape(): void {
    if (dragging.abort()) return
    if (!keyList.hidden) return toggleHelp()
    leave()
  }

  function toggleHelp(): void {
    keyList.hidden = !keyList.hidden
    helpButton.ariaExpanded = String(!keyList.hidden)
    if (!keyList.hidden) show('layout')
  }

  let heard = ''
  state.subscribe(() => {
    if (state.shown !== state.canvas) return
    asked = false
    warn('')
    // Words that are being typed are not read out letter by letter.
    const news = JSON.stringify([state.selected, state.selected.map((number) => state.canvas.regions[number]?.rect)])
    if (news !== heard) say(summary(state))
    heard = news
  })

  dialog.addEventListener(
    'keydown',
    keys(state, view, drawing, act, {
      active,
      save,
      escape,
      help: toggleHelp,
      words: () => words.querySelector<HTMLElement>('textarea, input')?.focus(),
    }),
  )
  // The graph behind need not follow the pointer.
  for (const type of ['pointermove', 'mousemove']) dialog.addEventListener(type, (event) => event.stopPropagation())
  // The page would open a file that is dropped as another workflow.
  for (const type of ['dragover', 'drop'] as const)
    dialog.addEventListener(type, (event) => {
      event.stopPropagation()
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
    })
  clipboard(dialog, state, act, say, active)
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault()
    escape()
  })
  dialog.addEventListener('close', () => {
    drawing.stop()
    dialog.remove()
  })
  document.body.append(dialog)
  dialog.showModal()
  show(opening.problem ? 'json' : 'layout')
  warn(opening.note)
  if (active()) drawing.focus()
  return dialog
}

function tabs(
  panels: Record<Tab, HTMLElement>,
  opened: (tab: Tab) => void,
): { bar: HTMLElement; show: (tab: Tab) => void; shown: () => Tab } {
  const names: readonly Tab[] = ['layout', 'json']
  let now: Tab = 'layout'
  const buttons = names.map((name) => {
    const button = h('button', {
      type: 'button',
      role: 'tab',
      id: `resonance-tab-${name}`,
      textContent: t(`editor.tabs.${name}`),
      onclick: () => show(name),
    })
    button.setAttribute('aria-controls', `resonance-panel-${name}`)
    Object.assign(panels[name], { id: `resonance-panel-${name}`, role: 'tabpanel' }).setAttribute(
      'aria-labelledby',
      button.id,
    )
    return button
  })
  function show(tab: Tab): void {
    now = tab
    names.forEach((name, i) => {
      const button = buttons[i]!
      button.ariaSelected = String(name === tab)
      button.tabIndex = name === tab ? 0 : -1
      panels[name].hidden = name !== tab
    })
    opened(tab)
  }
  const bar = h('div', { className: 'resonance-tabs', role: 'tablist', ariaLabel: t('editor.tabs.title') }, ...buttons)
  bar.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    event.preventDefault()
    const other = names[1 - names.indexOf(now)]!
    show(other)
    buttons[names.indexOf(other)]!.focus()
  })
  return { bar, show, shown: () => now }
}
