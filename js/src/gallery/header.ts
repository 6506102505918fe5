// What stands above the grid: which session, how far it is, and what can be done to it.

import { h, showText } from '../dom'
import { t } from '../i18n'
import { progress, sessionLine } from './says'
import { type Act, type Status, type Unread } from './server'

export interface Header {
  readonly element: HTMLElement
  /** @param idle nothing is queued or running. */
  show(sessions: Iterable<Status>, current: string, idle: boolean): void
  /** Names the sessions that cannot be read. */
  cannotRead(sessions: readonly Unread[]): void
  /** Shows what went wrong; an empty text takes it away. */
  complain(text: string): void
  enlarged(on: boolean): void
}

export interface Wishes {
  readonly size: number
  choose(session: string): void
  act(act: Act): void
  resize(size: number): void
  enlarge(): void
}

const isShown = (element: Element): element is HTMLElement => !(element as HTMLElement).hidden

export function makeHeader(wishes: Wishes): Header {
  const picker = h('select', { ariaLabel: t('gallery.session') })
  picker.addEventListener('change', () => wishes.choose(picker.value))
  const bar = h('progress', { ariaLabel: t('gallery.round_progress') })
  const line = h('p', { className: 'resonance-line' })
  const alert = h('p', { role: 'alert', className: 'resonance-error' })
  const button = (text: string, act: () => void): HTMLButtonElement => {
    const made = h('button', { type: 'button', textContent: text })
    made.addEventListener('click', act)
    return made
  }
  const acts = {
    pause: button(t('gallery.pause'), () => wishes.act('pause')),
    resume: button(t('gallery.resume'), () => wishes.act('resume')),
    retry: button(t('gallery.retry'), () => wishes.act('retry')),
    remake: button(t('gallery.remake'), () => wishes.act('remake')),
  }
  const slider = h('input', { type: 'range', min: '48', max: '192', step: '16', value: String(wishes.size) })
  slider.ariaLabel = slider.title = t('gallery.size')
  slider.addEventListener('input', () => wishes.resize(Number(slider.value)))
  const large = button(t('gallery.large'), wishes.enlarge)
  const nothing = h('p', { textContent: t('gallery.no_session'), hidden: true })
  const unreadable = h('summary', {})
  const reasons = h('ul', {})
  const unread = h('details', { className: 'resonance-unread', hidden: true }, unreadable, reasons)
  const options = new Map<string, HTMLOptionElement>()
  const tools = h('div', { className: 'resonance-tools' }, ...Object.values(acts), slider, large)
  const rest = [picker, bar, line, tools]
  for (const each of rest) each.hidden = true

  return {
    element: h('header', {}, nothing, ...rest, unread, alert),
    show(sessions, current, idle) {
      const shown = new Map([...sessions].map((status) => [status.session, status]))
      for (const [session, status] of shown) {
        let option = options.get(session)
        if (!option) {
          option = h('option', { value: session })
          options.set(session, option)
          picker.append(option)
        }
        showText(option, sessionLine(status))
      }
      for (const [session, option] of options) {
        if (shown.has(session)) continue
        option.remove()
        options.delete(session)
      }
      const status = shown.get(current)
      const focused = document.activeElement as HTMLElement | null
      nothing.hidden = !!status
      for (const each of rest) each.hidden = !status
      if (!status) return
      if (picker.value !== current) picker.value = current
      bar.max = Math.max(status.total, 1)
      bar.value = status.done
      line.textContent = progress(status, idle)
      const stopped = status.state === 'paused' || (status.state === 'open' && idle)
      acts.pause.hidden = status.state !== 'open' || idle
      acts.resume.hidden = !stopped
      acts.retry.hidden = status.failed === 0
      acts.remake.hidden = status.removed === 0
      // A button that goes while it has the focus hands it on, so that the keyboard stays here.
      if (focused?.hidden && tools.contains(focused)) [...tools.children].find(isShown)?.focus()
    },
    cannotRead(sessions) {
      unread.hidden = !sessions.length
      showText(unreadable, t('gallery.unread', { n: sessions.length }))
      reasons.replaceChildren(...sessions.map((each) => h('li', { textContent: `${each.session}: ${each.unread}` })))
    },
    complain(text) {
      alert.textContent = text
    },
    enlarged(on) {
      large.textContent = t(on ? 'gallery.small' : 'gallery.large')
    },
  }
}
