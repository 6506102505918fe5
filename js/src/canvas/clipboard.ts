// Regions on the system's clipboard, as Omost JSON. The page's own events need no permission.

import { type Actions } from './actions'
import { read, write, type Canvas } from './canvas'
import { extract, locals, movable, paste, remove } from './commands'
import { TEXT } from './keys'
import { type State } from './state'
import { t } from '../i18n'

export function clipboard(
  element: HTMLElement,
  state: State,
  { run }: Actions,
  say: (text: string) => void,
  active: () => boolean,
): void {
  const listen = (type: 'copy' | 'cut' | 'paste', act: (data: DataTransfer) => void): void =>
    element.addEventListener(type, (event) => {
      event.stopPropagation()
      if (!event.clipboardData || !active() || (event.target as Element).closest(TEXT)) return
      event.preventDefault()
      act(event.clipboardData)
    })
  const put = (data: DataTransfer, numbers: readonly number[]): void => {
    data.setData('text/plain', write(extract(state.canvas, numbers)))
    say(t('editor.said.copied', { count: numbers.length }))
  }
  listen('copy', (data) => {
    const numbers = locals(state.selected)
    if (numbers.length) put(data, numbers)
    else say(t('editor.said.none'))
  })
  listen('cut', (data) => {
    const numbers = movable(state.canvas, state.selected)
    if (!numbers.length) return say(t(locals(state.selected).length ? 'editor.said.locked' : 'editor.said.none'))
    put(data, numbers)
    run(remove, t('editor.said.cut', { count: numbers.length }))
  })
  listen('paste', (data) => {
    const pasted = parse(data.getData('text/plain'))
    if (!pasted || pasted.regions.length < 2)
      return say(t(pasted ? 'editor.said.only_global' : 'editor.said.no_canvas'))
    run((canvas) => paste(canvas, pasted), t('editor.said.pasted', { count: pasted.regions.length - 1 }))
  })
}

function parse(text: string): Canvas | null {
  try {
    return read(text)
  } catch {
    return null
  }
}
