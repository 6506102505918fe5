// A list of texts, a row each. Enter adds a row, Backspace in an empty row takes it away, Alt and an arrow moves it.

import { h } from '../dom'
import { t } from '../i18n'
import { button } from './field'

/** Most texts that have a row each. */
export const ROWS = 200

export interface Texts {
  readonly element: HTMLElement
  /** Rows for these texts. Blank rows stay where somebody is about to type, unless the rows are to be new. */
  show(texts: readonly string[], fresh: boolean): void
}

export function texts(name: string, change: (texts: readonly string[]) => void): Texts {
  const rows = h('ol')
  const boxes = (): HTMLTextAreaElement[] => [...rows.querySelectorAll('textarea')]
  // Texts that are too many for rows stay as they are, behind the others.
  let rest: readonly string[] = []
  const values = (): string[] => [...boxes().map((box) => box.value), ...rest]
  const edited = (): void => change(values().filter(isWritten))

  const number = (): void => {
    boxes().forEach((box, i) => (box.ariaLabel = `${name} ${i + 1}`))
  }
  const row = (value: string): HTMLLIElement => {
    const box = h('textarea', { value, rows: 1, spellcheck: false, oninput: edited })
    const line = h(
      'li',
      {},
      box,
      button('↑', t('form.up'), () => move(line, -1)),
      button('↓', t('form.down'), () => move(line, 1)),
      button('×', t('form.remove'), () => remove(line)),
    )
    box.addEventListener('keydown', (event) => pressed(event, line))
    return line
  }
  const focus = (line: Element | null): void => line?.querySelector('textarea')?.focus()

  const insert = (after: Element | null): void => {
    const line = row('')
    if (after) after.after(line)
    else rows.append(line)
    number()
    focus(line)
  }
  const remove = (line: Element): void => {
    const next = line.previousElementSibling ?? line.nextElementSibling
    line.remove()
    if (!next) rows.append(row(''))
    number()
    focus(next ?? rows.firstElementChild)
    edited()
  }
  const move = (line: Element, by: -1 | 1): void => {
    const focused = document.activeElement as HTMLElement | null
    if (by < 0) line.previousElementSibling?.before(line)
    else line.nextElementSibling?.after(line)
    number()
    focused?.focus()
    edited()
  }
  const pressed = (event: KeyboardEvent, line: HTMLLIElement): void => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return
    const up = event.key === 'ArrowUp'
    if (event.key === 'Enter' && !event.shiftKey) insert(line)
    else if (event.altKey && (up || event.key === 'ArrowDown')) move(line, up ? -1 : 1)
    else if (event.key === 'Backspace' && !line.querySelector('textarea')?.value && rows.childElementCount > 1)
      remove(line)
    else return
    event.preventDefault()
  }

  const add = h('button', { type: 'button', textContent: t('form.add'), onclick: () => insert(rows.lastElementChild) })
  add.ariaLabel = `${t('form.add')}: ${name}`
  const more = h('p', { className: 'hint' })
  return {
    element: h('div', { className: 'texts' }, rows, more, add),
    show(wanted, fresh) {
      const written = wanted.filter(isWritten)
      if (!fresh && JSON.stringify(values().filter(isWritten)) === JSON.stringify(written)) return
      rest = written.slice(ROWS)
      more.textContent = rest.length ? t('form.more_rows', { count: rest.length }) : ''
      const shown = written.length ? written.slice(0, ROWS) : ['']
      const before = boxes()
      shown.forEach((text, i) => {
        const box = before[i]
        if (!box) rows.append(row(text))
        else if (box.value !== text) box.value = text
      })
      while (rows.childElementCount > shown.length) rows.lastElementChild?.remove()
      number()
    },
  }
}

function isWritten(text: string): boolean {
  return text.trim() !== ''
}
