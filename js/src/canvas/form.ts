// What is written in a region: the one that was selected last, or the global one.

import { addStyle, h, showText } from '../dom'
import { t } from '../i18n'
import { type Canvas, label, ownPrefixes, type Region, STRONGEST } from './canvas'
import { colorField } from './color'
import { change, setGlobalPrefixes } from './commands'
import { group, labeled, numberField, show } from './field'
import { loraField } from './loras'
import { pictureField } from './picture'
import { place } from './place'
import { type State } from './state'
import { ROWS, texts } from './texts'
import { tokens } from './tokens'
import { details, sharedPrefixes, tagsOf, withDetails, withTags } from './words'
import css from './words.css?inline'

const STEP = 0.05

/** `put` makes a file the picture of a region. */
export function form(state: State, put: (file: File, number: number) => void): HTMLElement {
  addStyle('resonance-words', css)
  const primary = (): number | undefined => state.selected.at(-1)
  // While the form itself changes the canvas, what is being typed stays as it is; otherwise, as in an undo, it does not.
  let own = false
  const commit = (canvas: Canvas, tag: string): void => {
    own = true
    state.commit(canvas, state.selected, tag && `form:${tag}:${state.selected}`)
    own = false
  }
  const edit = (tag: string, changed: (region: Region) => Partial<Region>): void =>
    commit(change(state.canvas, state.selected.slice(-1), changed), tag)
  const editAll = (tag: string, changed: (region: Region) => Partial<Region>): void =>
    commit(change(state.canvas, state.selected, changed), tag)

  const heading = h('h3')
  const several = h('p', { className: 'hint' })
  const none = h('p', { className: 'hint', textContent: t('form.none') })
  const name = h('input', {
    type: 'text',
    spellcheck: false,
    oninput: () => edit('name', () => ({ name: name.value })),
  })
  const where = place((rect, tag) => edit(tag, () => ({ rect })))
  const shared = h('ul', { className: 'shared', ariaLabel: t('form.shared') })
  const description = texts(t('form.description_row'), (rows) => {
    const number = primary()
    if (number === 0) commit(setGlobalPrefixes(state.canvas, rows), 'description')
    else edit('description', (region) => ({ prefixes: [...sharedPrefixes(state.canvas, region), ...rows] }))
  })
  const suffixes = texts(t('form.details_row'), (rows) => edit('details', (region) => withDetails(region, rows)))
  const tags = h('textarea', { rows: 2, spellcheck: false })
  tags.addEventListener('input', () => edit('tags', (region) => withTags(region, tags.value)))
  const counts = tokens()
  const color = colorField((value) => editAll('color', () => ({ color: value })))
  const negative = h('textarea', { rows: 2, spellcheck: false })
  negative.addEventListener('input', () => editAll('negative', () => ({ negative: negative.value })))
  const weight = numberField([0, STRONGEST], STEP, (value) => editAll('weight', () => ({ weight: value })))
  // Each stops at the other: on the way to 0.75 an end is 0.
  const start = numberField([0, 1], STEP, (value) => editAll('start', ({ end }) => ({ start: Math.min(value, end) })))
  const end = numberField([0, 1], STEP, (value) => editAll('end', ({ start }) => ({ end: Math.max(value, start) })))
  const loras = loraField((changed, tag) => edit(tag, (region) => ({ loras: changed(region.loras) })))
  const picture = pictureField(
    (changed, tag) => edit(tag, (region) => ({ picture: changed(region.picture) })),
    (file) => put(file, primary() ?? 0),
  )

  const nameField = labeled(t('form.name'), name)
  const times = [labeled(t('form.start'), start.input), labeled(t('form.end'), end.input)]
  const fields = h(
    'div',
    { className: 'fields' },
    several,
    nameField,
    group(t('form.description'), shared, description.element),
    group(t('form.details'), suffixes.element),
    labeled(t('form.tags'), tags),
    counts.element,
    where.element,
    color.element,
    labeled(t('form.negative'), negative),
    h('div', { className: 'numbers' }, labeled(t('form.weight'), weight.input), ...times),
    picture.element,
    loras.element,
  )
  const ofLocals = [nameField, where.element, ...times]

  let shownNumber: number | undefined
  const refresh = (forced: boolean): void => {
    const { canvas } = state
    const number = primary()
    const region = number === undefined ? undefined : canvas.regions[number]
    none.hidden = region !== undefined
    fields.hidden = region === undefined
    heading.hidden = region === undefined
    if (number === undefined || !region) return
    const fresh = number !== shownNumber
    shownNumber = number
    const title = number === 0 ? t('form.global') : `${number}. ${label(canvas, number) || t('form.unnamed')}`
    showText(heading, title)
    const count = state.selected.length
    several.hidden = count < 2
    several.textContent = count < 2 ? '' : t('form.several', { count })
    for (const element of ofLocals) element.hidden = number === 0
    where.element.disabled = region.locked

    show(name, region.name, forced)
    where.show(region.rect, forced)
    showShared(shared, number === 0 ? [] : sharedPrefixes(canvas, region))
    description.show(number === 0 ? region.prefixes : ownPrefixes(canvas, region), fresh)
    suffixes.show(details(region), fresh)
    show(tags, tagsOf(region), forced)
    counts.show(region, fresh)
    color.show(region.color, forced)
    show(negative, region.negative, forced)
    weight.show(region.weight, forced)
    start.show(region.start, forced)
    end.show(region.end, forced)
    picture.show(region.picture, forced)
    loras.show(region.loras, forced)
  }
  // A drag moves a region, and its words stay: only the place follows, as often as it is drawn.
  let frame = 0
  const follow = (): void => {
    frame = 0
    const region = state.shown.regions[primary() ?? 0]
    if (region) where.show(region.rect, true)
  }
  state.subscribe(() => {
    if (state.shown === state.canvas) refresh(!own)
    else frame ||= requestAnimationFrame(follow)
  })
  const element = h('section', { className: 'resonance-form', ariaLabel: t('form.region') }, heading, none, fields)
  // What was typed and could not be taken gives way to what counts.
  element.addEventListener('focusout', () => refresh(false))
  refresh(true)
  return element
}

function showShared(list: HTMLUListElement, shared: readonly string[]): void {
  const shown = shared.length > ROWS ? [...shared.slice(0, ROWS), '…'] : shared
  list.hidden = shown.length === 0
  if (String([...list.children].map((item) => item.textContent)) === String(shown)) return
  list.replaceChildren(...shown.map((text) => h('li', { textContent: text })))
}
