// The regions by name, what lies in front first, the global one last.

import { type Actions } from './actions'
import { type Canvas, hex, label } from './canvas'
import { change, reorder, type Place } from './commands'
import { icon } from './icons'
import { iconButton } from './toolbar'
import { type State } from './state'
import { h, showText } from '../dom'
import { t } from '../i18n'

const TREMBLE = 4

interface Row {
  readonly element: HTMLLIElement
  readonly button: HTMLButtonElement
  readonly name: HTMLElement
  readonly lock: HTMLButtonElement
  readonly hide: HTMLButtonElement
}

export function list(state: State, { run }: Actions): HTMLElement {
  const rows: Row[] = []
  const ground = h('button', {
    type: 'button',
    className: 'resonance-row-name',
    textContent: t('editor.global'),
    onclick: () => state.select([0]),
  })
  const last = h('li', { className: 'resonance-row global' }, ground)
  const line = h('div', { className: 'resonance-drop', hidden: true })
  const rowsList = h('ol', { ariaLabel: t('editor.list') }, last)
  const element = h('div', { className: 'resonance-list' }, rowsList, line)

  let canvas: Canvas | null = null
  let selected: readonly number[] = []

  function make(number: number): Row {
    const name = h('span', { className: 'words' })
    const button = h(
      'button',
      { type: 'button', className: 'resonance-row-name', onclick: (event) => choose(number, event) },
      h('span', { className: 'resonance-swatch' }),
      name,
    )
    const flip = (key: 'locked' | 'hidden') => (): void =>
      run((now, chosen) => ({ canvas: change(now, [number], (region) => ({ [key]: !region[key] })), selected: chosen }))
    const lock = iconButton('unlocked', t('editor.lock'), flip('locked'))
    const hide = iconButton('shown', t('editor.hide'), flip('hidden'))
    const grip = h('span', { className: 'resonance-grip' }, icon('grip'))
    const item = h('li', { className: 'resonance-row' }, grip, button, hide, lock)
    item.addEventListener('pointerdown', (event) => drag(event, number, item))
    rowsList.prepend(item)
    return { element: item, button, name, lock, hide }
  }

  function choose(number: number, event: MouseEvent): void {
    const others = state.selected.filter((other) => other > 0 && other !== number)
    if (event.shiftKey) extend(number)
    else if (!event.ctrlKey && !event.metaKey) state.select([number])
    else if (!state.selected.includes(number)) state.select([...others, number])
    else state.select(others.length ? others : [0])
  }

  /** From what was selected last to here. */
  function extend(number: number): void {
    const from = state.selected.at(-1) || number
    const step = number < from ? -1 : 1
    const between = Array.from({ length: Math.abs(number - from) + 1 }, (_, i) => from + i * step)
    state.select([...state.selected.filter((other) => other > 0 && !between.includes(other)), ...between])
  }

  function update(): void {
    if (canvas === state.canvas && selected === state.selected) return
    const within = rowsList.contains(document.activeElement)
    const moved = selected !== state.selected
    canvas = state.canvas
    selected = state.selected
    const count = canvas.regions.length - 1
    while (rows.length < count) rows.push(make(rows.length + 1))
    for (const row of rows.splice(count)) row.element.remove()
    rows.forEach((row, i) => fill(row, i + 1))
    ground.ariaPressed = String(selected.includes(0))
    const primary = selected.at(-1) ?? 0
    ground.tabIndex = primary === 0 ? 0 : -1
    const button = rows[primary - 1]?.button ?? ground
    if (moved) button.scrollIntoView?.({ block: 'nearest' })
    if (within && (moved || !rowsList.contains(document.activeElement))) button.focus()
  }

  function fill({ element, button, name, lock, hide }: Row, number: number): void {
    const region = canvas?.regions[number]
    if (!canvas || !region) return
    const words = label(canvas, number) || t('editor.unnamed')
    // The swatch is the only thing that says the color: no text is written on it.
    element.style.setProperty('--color', hex(region.color))
    showText(name, `${number} ${words}`)
    button.ariaPressed = String(selected.includes(number))
    const reachable = selected.at(-1) === number ? 0 : -1
    for (const part of [button, lock, hide]) part.tabIndex = reachable
    show(lock, region.locked, t('editor.lock_of', { name: words }), 'locked', 'unlocked')
    show(hide, region.hidden, t('editor.hide_of', { name: words }), 'hidden', 'shown')
  }

  function show(
    button: HTMLButtonElement,
    on: boolean,
    text: string,
    yes: 'locked' | 'hidden',
    no: 'unlocked' | 'shown',
  ): void {
    button.ariaLabel = button.title = text
    if (button.ariaPressed === String(on)) return
    button.ariaPressed = String(on)
    button.replaceChildren(icon(on ? yes : no))
  }

  function drag(event: PointerEvent, number: number, item: HTMLLIElement): void {
    if (event.button !== 0 || (event.target as Element).closest('.resonance-icon-button')) return
    // A finger on a name scrolls the list.
    if (event.pointerType === 'touch' && !(event.target as Element).closest('.resonance-grip')) return
    const stop = new AbortController()
    let target: number | null = null
    const finish = (): void => {
      stop.abort()
      item.classList.remove('dragged')
      line.hidden = true
    }
    const listen = (
      type: 'pointermove' | 'pointerup' | 'pointercancel' | 'keydown',
      act: (event: Event) => void,
    ): void => document.addEventListener(type, act, { signal: stop.signal, capture: true })
    listen('pointermove', (moved) => {
      const { clientX, clientY, pointerId } = moved as PointerEvent
      if (target === null && Math.hypot(clientX - event.clientX, clientY - event.clientY) < TREMBLE) return
      // Captured: what is below does not take the click at the end.
      rowsList.setPointerCapture(pointerId)
      item.classList.add('dragged')
      target = aim(clientY, number)
    })
    listen('pointerup', () => {
      const to = target
      finish()
      if (to !== null) run((now) => reorder(now, [number], to))
    })
    listen('pointercancel', finish)
    listen('keydown', (pressed) => {
      if ((pressed as KeyboardEvent).key !== 'Escape') return
      pressed.preventDefault()
      pressed.stopPropagation()
      finish()
    })
  }

  /** The number that a region gets when it is dropped at a height of the page. Shows the line where that is. */
  function aim(clientY: number, number: number): number {
    const boxes = rows.map(({ element: row }) => row.getBoundingClientRect())
    const above = boxes.filter(({ top, height }) => top + height / 2 < clientY).length
    const at = boxes.length - above
    const box = boxes[at] ?? boxes[at - 1]
    line.hidden = false
    if (box)
      line.style.top = `${(boxes[at] ? box.bottom : box.top) - element.getBoundingClientRect().top + element.scrollTop - 1}px`
    return at < number ? at + 1 : at
  }

  rowsList.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0
    if (!step || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    const primary = state.selected.at(-1) ?? 0
    const place: Place = step > 0 ? 'up' : 'down'
    if (event.altKey) return run((...now) => reorder(...now, place))
    const next = primary + step
    if (next < 0 || next >= state.canvas.regions.length) return
    if (event.shiftKey && next > 0) extend(next)
    else state.select([next])
  })
  state.subscribe(update)
  update()
  return element
}
