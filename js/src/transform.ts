// The table on Transform: the program that its widgets stand for, asked from the server whenever they change.

import { ask, type LGraphNode, loadTexts, type Widget } from './comfy'
import { addStyle, h, showText } from './dom'
import { keepMounted, mountAgain, onChange } from './host'
import { t } from './i18n'
import css from './transform.css?inline'

/** Milliseconds of rest before the server is asked: a program may be being typed. */
const PATIENCE = 200
/** Steps of the schedule of which a pair runs the last. */
const SCHEDULE = 50

const HEADS = ['transform.number', 'transform.scale', 'transform.strength', 'transform.steps', 'transform.start']

/** As resonance/vary/choice.py puts it. */
export interface Program {
  readonly rows: readonly (readonly [scale: number, strength: number, steps: number, start: number])[]
  readonly pairs: number
  readonly chained: boolean
  readonly save_middle: boolean
  readonly loop_to_loop: boolean
  readonly iterations: number
  /** Pictures that one loop makes. */
  readonly kept: number
}

const refreshes = new WeakMap<LGraphNode, () => void>()

/** Puts the table on a node that was just made. */
export async function attach(node: LGraphNode, host: HTMLElement): Promise<void> {
  keepMounted(node, host)
  await loadTexts()
  const table = createTable()
  host.replaceChildren(table.element)
  const followed = new WeakSet<Widget>()
  let timer = 0
  let turn = 0

  function refresh(): void {
    // Another transform has other widgets.
    for (const widget of node.widgets ?? []) {
      if (!followed.has(widget)) onChange(widget, refresh)
      followed.add(widget)
    }
    clearTimeout(timer)
    timer = window.setTimeout(() => void update(), PATIENCE)
  }

  async function update(): Promise<void> {
    const mine = ++turn
    const linked = (node.inputs ?? []).filter((input) => input.link != null).map(({ name }) => name.split('.').at(-1)!)
    const unknown = linked.filter((name) => name !== 'iterations')
    if (unknown.length) return table.tell(t('transform.connected', { names: unknown.join(', ') }))
    try {
      const program = await ask<Program>('/resonance/transform', valuesOf(node))
      if (mine === turn) table.show(program, describe(program, !linked.length))
    } catch (error) {
      if (mine === turn) table.tell((error as Error).message)
    }
  }

  const before = node.onConnectionsChange
  node.onConnectionsChange = function (...change) {
    before?.apply(node, change)
    refresh()
  }
  refreshes.set(node, refresh)
  refresh()
}

/** After a workflow was loaded, and after undo. */
export function loaded(node: LGraphNode): void {
  refreshes.get(node)?.()
  mountAgain(node)
}

function valuesOf(node: LGraphNode): Record<string, unknown> {
  const saved = (node.widgets ?? []).filter((widget) => widget.serialize !== false)
  return Object.fromEntries(saved.map(({ name, value }) => [name.split('.').at(-1), value]))
}

/** What there is to say of a program beside its pairs. Without `counted` it is not known how many loops it runs. */
export function describe(program: Program, counted: boolean): string {
  const { pairs, chained, save_middle, loop_to_loop, iterations, kept } = program
  const count = (one: string, many: string, count: number): string => (count === 1 ? t(one) : t(many, { count }))
  const pictures = (number: number): string => count('transform.picture', 'transform.pictures', number)
  const said = pairs === 1 ? [] : [t(chained ? 'transform.chained' : 'transform.parallel')]
  if (chained) said.push(t(save_middle ? 'transform.every_kept' : 'transform.last_kept'))
  if (loop_to_loop) said.push(t('transform.loop_to_loop'))
  if (counted) said.push(count('transform.loop', 'transform.loops', iterations), pictures(iterations * kept))
  else said.push(t('transform.loops_connected', { pictures: pictures(kept) }))
  return said.join(t('transform.comma'))
}

interface Table {
  readonly element: HTMLElement
  show(program: Program, said: string): void
  /** Says why there is no table. */
  tell(sentence: string): void
}

function createTable(): Table {
  addStyle('resonance-transform', css)
  const says = h('div', { className: 'says', role: 'status' })
  const body = h('tbody')
  const heads = HEADS.map((key) => h('th', { scope: 'col', textContent: t(key) }))
  const table = h('table', {}, h('thead', {}, h('tr', {}, ...heads)), body)
  // Long programs are scrolled with the keys, and, in Nodes 2.0 only where this is said, with the wheel.
  const scroller = h(
    'div',
    { className: 'scroller', tabIndex: 0, role: 'region', ariaLabel: t('transform.table') },
    table,
  )
  scroller.dataset['captureWheel'] = 'true'
  const element = h('div', { className: 'resonance-transform' }, says, scroller)
  return {
    element,
    show({ rows, pairs }, said) {
      const more =
        pairs > rows.length
          ? [h('tr', {}, h('td', { colSpan: 5 }, t('transform.more', { count: pairs - rows.length })))]
          : []
      body.replaceChildren(...rows.map(row), ...more)
      scroller.hidden = false
      says.classList.remove('problem')
      showText(says, said)
    },
    tell(sentence) {
      scroller.hidden = true
      says.classList.add('problem')
      showText(says, sentence)
    },
  }
}

function row(values: Program['rows'][number], index: number): HTMLElement {
  const made = h('tr', {}, h('th', { scope: 'row', textContent: String(index + 1) }))
  made.append(...values.map((value) => h('td', { textContent: String(value) })))
  made.style.setProperty('--from', `${(values[3] / SCHEDULE) * 100}%`)
  return made
}
