// The canvas as JSON text. While the text can be read, the canvas follows it; when it cannot, the canvas stays.

import { addStyle, h } from '../dom'
import { t } from '../i18n'
import { type Canvas, CanvasError, LETTERS, readList, REGIONS, write } from './canvas'
import { fault, locate, type Position, position } from './locate'
import { type State } from './state'
import css from './source.css?inline'

const PAUSE = 300
/** Letters from which on a text is read after a longer pause. */
const LARGE = 500_000
const LONG_PAUSE = 900
/** Pixels, as in source.css. */
const LINE = 18

export interface Source {
  readonly element: HTMLElement
  /** Why the text cannot be saved; empty if it can. Reads what was typed since the last pause. */
  problem(): string
  /** To be called when the text has come into view. */
  shown(): void
}

/** The text of a canvas in a box of its own. For the arguments see `source`. */
export function sourceText(state: State, text: string, problem: string): Source {
  addStyle('resonance-source', css)
  const box = h('textarea', { wrap: 'off', spellcheck: false, ariaLabel: t('json.text'), autocomplete: 'off' })
  const numbers = h('div', { className: 'numbers', ariaHidden: 'true' })
  const says = h('p', { className: 'says' })
  says.setAttribute('role', 'status')
  const go = h('button', { type: 'button', textContent: t('json.go'), hidden: true })
  const giveUp = h('button', {
    type: 'button',
    textContent: t('json.give_up'),
    title: t('json.give_up_tip'),
    hidden: true,
  })
  const element = h(
    'section',
    { className: 'resonance-source', ariaLabel: t('json.text') },
    h('div', { className: 'text' }, numbers, box),
    h('div', { className: 'foot' }, says, go, giveUp),
  )

  let wrong = ''
  let mark: (Position & { readonly offset: number }) | null = null
  let lines = 1
  let own = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let written: Canvas | null = null

  const drawNumbers = (): void => {
    const first = Math.floor(box.scrollTop / LINE)
    const count = Math.min(lines - first, Math.ceil(box.clientHeight / LINE) + 1)
    numbers.style.setProperty('--from', `${first * LINE - box.scrollTop}px`)
    numbers.replaceChildren(
      ...Array.from({ length: Math.max(count, 1) }, (_, i) => {
        const line = first + i + 1
        return h('div', { textContent: String(line), className: line === mark?.line ? 'wrong' : '' })
      }),
    )
  }
  const say = (message: string, offset: number | null): void => {
    mark = offset === null ? null : { offset, ...position(box.value, offset) }
    wrong = message && mark ? t('json.at', { line: mark.line, column: mark.column, message }) : message
    says.textContent = wrong
    box.ariaInvalid = String(wrong !== '')
    go.hidden = !mark
    giveUp.hidden = !wrong
    drawNumbers()
  }
  const put = (value: string): void => {
    box.value = value
    lines = countLines(value)
  }
  /** Takes the text over, or says why that cannot be. */
  const follow = (): void => {
    clearTimeout(timer)
    timer = undefined
    lines = countLines(box.value)
    const found = parse(box.value)
    if ('canvas' in found) {
      say('', null)
      written = state.canvas
      if (write(found.canvas) === write(state.canvas)) return
      own = true
      state.commit(found.canvas)
      own = false
      written = state.canvas
    } else say(found.message, found.offset)
  }
  /** The text of the canvas, unless what is there has not been understood yet. */
  const refresh = (): void => {
    if (own || timer !== undefined || wrong || written === state.canvas || element.closest('[hidden]')) return
    written = state.canvas
    put(write(state.canvas))
    drawNumbers()
  }

  box.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(follow, box.value.length > LARGE ? LONG_PAUSE : PAUSE)
    drawNumbers()
  })
  box.addEventListener('scroll', drawNumbers)
  new ResizeObserver(drawNumbers).observe(box)
  go.addEventListener('click', () => {
    if (!mark) return
    box.focus()
    box.setSelectionRange(mark.offset, mark.offset)
    box.scrollTop = (mark.line - 1) * LINE - box.clientHeight / 3
  })
  giveUp.addEventListener('click', () => {
    clearTimeout(timer)
    timer = undefined
    written = null
    say('', null)
    refresh()
    box.focus()
  })
  state.subscribe(refresh)
  if (problem) {
    put(text)
    say(problem, null)
  }
  return {
    element,
    problem() {
      if (timer !== undefined) follow()
      return wrong
    },
    shown() {
      refresh()
      drawNumbers()
    },
  }
}

type Parsed = { readonly canvas: Canvas } | { readonly message: string; readonly offset: number | null }

function parse(text: string): Parsed {
  if (text.length > LETTERS) return { message: t('json.long', { most: LETTERS.toLocaleString() }), offset: null }
  try {
    const canvas = readList(JSON.parse(text))
    if (canvas.regions.length <= REGIONS) return { canvas }
    return { message: t('json.many', { count: canvas.regions.length, most: REGIONS }), offset: null }
  } catch (error) {
    if (error instanceof CanvasError) return { message: error.message, offset: locate(text, error.path) }
    const found = fault(text)
    return found
      ? { message: t(`json.${found.kind}`), offset: found.offset }
      : { message: (error as Error).message, offset: null }
  }
}

function countLines(text: string): number {
  let count = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1
  return count
}
