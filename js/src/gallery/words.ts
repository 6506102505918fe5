// What was said about an item, and what is new in it against the round before.

import { h } from '../dom'
import { t } from '../i18n'
import { type Draw, type Item } from './server'

export function describeItem(item: Item): HTMLElement[] {
  const parts: (HTMLElement | null)[] = [
    item.error ? section(t('gallery.error'), paragraph(item.error, 'resonance-error')) : null,
    item.words || item.change ? section(t('gallery.tags'), ...tags(item)) : null,
    text('gallery.caption', item.words?.caption),
    text('gallery.prompt', item.prompt),
    item.draw ? section(t('gallery.draw'), ...drawn(item.draw)) : null,
    text('gallery.source', item.source),
  ]
  return parts.filter((part) => part !== null)
}

function section(title: string, ...content: HTMLElement[]): HTMLElement {
  return h('section', {}, h('h3', { textContent: title }), ...content)
}

const paragraph = (textContent: string, className = ''): HTMLElement => h('p', { textContent, className })

const text = (title: string, content: string | null | undefined): HTMLElement | null =>
  content ? section(t(title), paragraph(content)) : null

function tags({ words, change }: Item): HTMLElement[] {
  const said = (words?.tags ?? '').split(/[,，、]/).flatMap((tag) => tag.trim() || [])
  if (!change) return [h('ul', { className: 'resonance-tags' }, ...said.map((tag) => h('li', {}, tag)))]
  const { kept, added, dropped } = change
  return [
    paragraph(t('gallery.change', { kept: kept.length, added: added.length, dropped: dropped.length })),
    h(
      'ul',
      { className: 'resonance-tags' },
      ...added.map((tag) => h('li', { className: 'resonance-added' }, '+ ', h('ins', {}, tag))),
      ...dropped.map((tag) => h('li', { className: 'resonance-dropped' }, '− ', h('del', {}, tag))),
      ...kept.map((tag) => h('li', {}, tag)),
    ),
  ]
}

function drawn({ checkpoint, loras }: Draw): HTMLElement[] {
  const strength = (model: number, clip: number): string => (model === clip ? `${model}` : `${model} / ${clip}`)
  return [
    paragraph(checkpoint),
    h(
      'ul',
      {},
      ...loras.map((lora) => h('li', {}, `${lora.name} × ${strength(lora.model_strength, lora.clip_strength)}`)),
    ),
  ]
}
