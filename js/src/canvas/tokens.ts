// How full the bags of a region's words are, as the server will pack them for the text encoder.

import { ask } from '../comfy'
import { h } from '../dom'
import { t } from '../i18n'
import { type Region, WHOLE } from './canvas'

const PAUSE = 300

interface Counts {
  readonly bags: readonly (readonly number[])[]
  readonly left_out: readonly number[]
  readonly room: number
}

export interface Tokens {
  readonly element: HTMLElement
  /** Counts the words of a region: at once if it is another one, else after a pause in typing. */
  show(region: Region, fresh: boolean): void
}

export function tokens(): Tokens {
  const bags = h('div', { className: 'bags' })
  const warning = h('p', { className: 'warning' })
  warning.setAttribute('role', 'status')
  let words: Pick<Region, 'prefixes' | 'suffixes'> | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  const clear = (): void => {
    bags.replaceChildren()
    warning.textContent = ''
  }
  const fill = ({ bags: [counts = []], left_out: [left = 0], room }: Counts): void => {
    const parts = counts.map((count) => {
      const text = `${count} / ${room}`
      return h('span', {}, h('meter', { max: room, value: count, ariaLabel: text }), text)
    })
    bags.replaceChildren(...parts)
    warning.textContent = left ? t('form.left_out', { count: left }) : ''
  }
  const count = async ({ prefixes, suffixes }: Region): Promise<void> => {
    const asked = words
    try {
      const counts = await ask<Counts>('/resonance/canvas/tokens', { regions: [{ rect: WHOLE, prefixes, suffixes }] })
      if (asked === words) fill(counts)
    } catch (error) {
      if (asked !== words) return
      clear()
      warning.textContent = (error as Error).message
    }
  }
  return {
    element: h('div', { className: 'tokens' }, h('span', { textContent: t('form.tokens') }), bags, warning),
    show(region, fresh) {
      if (!fresh && region.prefixes === words?.prefixes && region.suffixes === words.suffixes) return
      words = region
      clearTimeout(timer)
      if (fresh) clear()
      timer = setTimeout(() => void count(region), fresh ? 0 : PAUSE)
    },
  }
}
