// The tab with the canvas as JSON. What is in it is loaded when it is first seen.

import { h } from '../dom'
import { type Source } from './source_text'
import { type State } from './state'

/** `text` and `problem`: what could not be read at opening, and why; both empty if there is no such thing. */
export function source(state: State, text: string, problem: string): Source {
  const element = h('div', { className: 'resonance-source-host' })
  let loading = false
  let loaded: Source | undefined
  return {
    element,
    problem: () => (loaded ? loaded.problem() : problem),
    shown() {
      loaded?.shown()
      if (loading) return
      loading = true
      void import('./source_text').then(({ sourceText }) => {
        loaded = sourceText(state, text, problem)
        element.append(loaded.element)
        loaded.shown()
      })
    },
  }
}
