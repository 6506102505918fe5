// Canvases from other forms of text, and as other forms of text: two buttons, each with a panel.

import { addStyle, h } from '../dom'
import { t } from '../i18n'
import { type Size, type State } from './state'
import css from './words.css?inline'

const panels = (): Promise<typeof import('./exchange_panels')> => import('./exchange_panels')

/** `size` is that of the picture which boxes are measured in. */
export function exchange(state: State, size: Size): HTMLElement {
  addStyle('resonance-words', css)
  return h(
    'div',
    { className: 'resonance-exchange' },
    panel(t('exchange.import'), async () => (await panels()).importPanel(state, size)),
    panel(t('exchange.export'), async () => (await panels()).exportPanel(state, size)),
  )
}

/** Opens under its button, and closes with Escape or with a press beside it. */
function panel(name: string, load: () => Promise<HTMLElement>): HTMLElement {
  const summary = h('summary', { textContent: name })
  const element = h('details', {}, summary)
  let content: Promise<HTMLElement> | undefined
  const outside = (event: Event): void => {
    if (!event.composedPath().includes(element)) element.open = false
  }
  element.addEventListener('toggle', () => {
    document.removeEventListener('pointerdown', outside, true)
    if (!element.open) return
    document.addEventListener('pointerdown', outside, true)
    content ??= load().then((loaded) => {
      element.append(loaded)
      return loaded
    })
    void content.then((loaded) => loaded.querySelector<HTMLElement>('textarea, select')?.focus())
  })
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.isComposing || !element.open) return
    event.preventDefault()
    event.stopPropagation()
    element.open = false
    summary.focus()
  })
  return element
}
