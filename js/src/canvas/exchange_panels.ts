// What stands under the buttons of exchange.ts.

import { ask } from '../comfy'
import { copy } from '../copy'
import { h } from '../dom'
import { t } from '../i18n'
import { type Canvas, LETTERS, plain, readList, REGIONS, write } from './canvas'
import { paste } from './commands'
import { labeled } from './field'
import { type Size, type State } from './state'

type Form = 'json' | 'program' | 'boxes'

const FILES: Readonly<Record<Form, string>> = { json: 'canvas.json', program: 'canvas.py', boxes: 'boxes.json' }

export function importPanel(state: State, size: Size): HTMLElement {
  const text = h('textarea', { rows: 8, wrap: 'off', spellcheck: false, placeholder: t('exchange.paste_here') })
  const file = h('input', { type: 'file', accept: '.json,.txt,.py,.md,text/*,application/json' })
  const says = h('p', { className: 'says' })
  says.setAttribute('role', 'status')
  const notes = h('ul', { className: 'notes', ariaLabel: t('exchange.notes') })
  const say = (message: string, more: readonly string[] = []): void => {
    says.textContent = message
    notes.replaceChildren(...more.map((note) => h('li', { textContent: note })))
  }
  let busy = false
  const take = async (written: string, how: 'replace' | 'append'): Promise<void> => {
    if (busy) return
    busy = true
    say('')
    try {
      if (written.length > LETTERS) throw new Error(t('json.long', { most: LETTERS.toLocaleString() }))
      const found = await ask<{ regions: unknown; notes: string[] }>('/resonance/canvas/read', {
        text: written,
        ...size,
      })
      const read = readList(found.regions)
      const count = how === 'replace' ? replace(state, read) : append(state, read)
      say(t('exchange.imported', { count }), found.notes)
    } catch (error) {
      say((error as Error).message)
    } finally {
      busy = false
    }
  }
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? []
    if (!chosen) return
    file.value = ''
    // A letter takes four bytes at most.
    if (chosen.size > 4 * LETTERS) say(t('json.long', { most: LETTERS.toLocaleString() }))
    else
      void chosen.text().then((content) => {
        text.value = content
        say(t('exchange.loaded', { name: chosen.name }))
      })
  })
  const act = (how: 'replace' | 'append'): HTMLButtonElement =>
    h('button', { type: 'button', textContent: t(`exchange.${how}`), onclick: () => void take(text.value, how) })
  return h(
    'div',
    { className: 'panel' },
    h('p', { className: 'hint', textContent: t('exchange.forms') }),
    labeled(t('exchange.text'), text),
    labeled(t('exchange.file'), file),
    h('div', { className: 'line' }, act('replace'), act('append')),
    says,
    notes,
  )
}

/** Puts a canvas in place of ours, which stays tied to what it was edited from. Gives the number of regions. */
function replace(state: State, read: Canvas): number {
  const count = read.regions.length
  state.commit({ ...read, origin: state.canvas.origin }, [count > 1 ? 1 : 0])
  return count - 1
}

/** Puts the regions of a canvas, without the global one, in front of ours. */
function append(state: State, read: Canvas): number {
  const { canvas, selected } = paste(state.canvas, read)
  if (!selected.length) throw new Error(t('exchange.nothing'))
  if (canvas.regions.length > REGIONS) throw new Error(t('json.many', { count: canvas.regions.length, most: REGIONS }))
  state.commit(canvas, selected)
  return selected.length
}

export function exportPanel(state: State, size: Size): HTMLElement {
  const forms = (Object.keys(FILES) as Form[]).map((value) =>
    h('option', { value, textContent: t(`exchange.${value}`) }),
  )
  const form = h('select', {}, ...forms)
  const hint = h('p', { className: 'hint', textContent: t('exchange.json_hint') })
  const says = h('p', { className: 'says' })
  says.setAttribute('role', 'status')
  form.addEventListener('change', () => {
    hint.textContent = t(`exchange.${form.value}_hint`)
    says.textContent = ''
  })
  const made = async (): Promise<string> => {
    if (form.value === 'json') return write({ ...state.canvas, origin: '' })
    const regions = state.canvas.regions.map((region) => plain(region))
    const body = { regions, form: form.value, ...size }
    return (await ask<{ text: string }>('/resonance/canvas/write', body)).text
  }
  const act = (name: string, work: (text: string) => Promise<void> | void, done: string): HTMLButtonElement => {
    const pressed = async (): Promise<void> => {
      try {
        await work(await made())
        says.textContent = t(done)
      } catch (error) {
        says.textContent = (error as Error).message
      }
    }
    return h('button', { type: 'button', textContent: t(name), onclick: () => void pressed() })
  }
  return h(
    'div',
    { className: 'panel' },
    labeled(t('exchange.form'), form),
    hint,
    h(
      'div',
      { className: 'line' },
      act('exchange.copy', toClipboard, 'exchange.copied'),
      act('exchange.save', (text) => save(text, FILES[form.value as Form]), 'exchange.saved'),
    ),
    says,
  )
}

async function toClipboard(text: string): Promise<void> {
  if (!(await copy(text))) throw new Error(t('exchange.no_clipboard'))
}

function save(text: string, name: string): void {
  const link = h('a', { href: URL.createObjectURL(new Blob([text], { type: 'text/plain' })), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href))
}
