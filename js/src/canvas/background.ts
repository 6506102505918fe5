// What lies under the regions while they are edited: a picture, and where the words of an earlier run acted.

import { type Canvas, label } from './canvas'
import { type State } from './state'
import { type Heat, type ViewState } from './view'
import css from './background.css?inline'
import { addStyle, h } from '../dom'
import { t } from '../i18n'

const OPACITY = 0.6
/** Formats that differ by less look the same. */
const SAME = 0.01

/** Where a run showed the words of regions to have acted: addresses of the picture and of a grey map per part. */
export interface HeatPictures {
  readonly picture: string
  readonly maps: readonly string[]
  /** What the parts are called, the global words first. */
  readonly names: readonly string[]
}

/** Pictures that an editor can be asked to show; addresses, or null where there is none. */
export interface Pictures {
  /** What is connected to the node. */
  connected(): string | null
  /** The newest picture that any node put out. */
  last(): string | null
  /** Newest first. */
  heats(): readonly HeatPictures[]
}

export function backgroundControls(view: ViewState, pictures: Pictures, state: State): HTMLElement {
  addStyle('resonance-background', css)
  const says = h('span', { className: 'says', role: 'status' })
  const opacity = slider(t('background.opacity'), OPACITY, (value) => {
    const background = view.view.background
    if (background) view.set({ background: { ...background, opacity: value } })
  })
  const file = h('input', { type: 'file', accept: 'image/*', hidden: true })
  const choices = {
    none: choice('none', () => void show('none', null)),
    connected: choice('connected', () => void show('connected', pictures.connected())),
    last: choice('last', () => void show('last', pictures.last())),
    file: choice('file', () => file.click()),
  }
  choices.none.ariaPressed = 'true'
  const heat = heatControls(view, pictures, state, says)
  const element = h(
    'div',
    { className: 'resonance-background', role: 'group', ariaLabel: t('background.title') },
    ...Object.values(choices),
    file,
    opacity,
    ...heat,
    says,
  )

  file.addEventListener('change', () => {
    const chosen = file.files?.[0]
    file.value = ''
    if (!chosen) return
    const href = URL.createObjectURL(chosen)
    element.closest('dialog')?.addEventListener('close', () => URL.revokeObjectURL(href), { once: true })
    void show('file', href)
  })

  let turn = 0
  async function show(kind: keyof typeof choices, href: string | null): Promise<void> {
    const mine = ++turn
    const aspect = href && (await aspectOf(href))
    if (mine !== turn) return
    if (kind !== 'none' && !aspect) {
      says.textContent = t(href ? 'background.unreadable' : `background.no_${kind}`)
      return
    }
    for (const [name, button] of Object.entries(choices)) button.ariaPressed = String(name === kind)
    says.textContent = aspect && Math.abs(aspect / view.view.aspect - 1) > SAME ? t('background.fitted') : ''
    view.set({ background: href && aspect ? { href, aspect, opacity: Number(opacity.value) } : null })
  }

  return element
}

function choice(kind: string, onclick: () => void): HTMLButtonElement {
  return h('button', { type: 'button', textContent: t(`background.${kind}`), ariaPressed: 'false', onclick })
}

function slider(name: string, value: number, change: (value: number) => void): HTMLInputElement {
  const input = h('input', { type: 'range', min: '0', max: '1', step: '0.05', ariaLabel: name, title: name })
  input.value = String(value)
  input.addEventListener('input', () => change(Number(input.value)))
  return input
}

/** Width by height of the picture at an address; null if it cannot be read. */
async function aspectOf(href: string): Promise<number | null> {
  const image = new Image()
  image.src = href
  return image.decode().then(
    () => image.naturalWidth / image.naturalHeight,
    () => null,
  )
}

function heatControls(view: ViewState, pictures: Pictures, state: State, says: HTMLElement): HTMLElement[] {
  let before = view.view.background
  let under = ''
  let canvas: Canvas | null = null
  let selected: readonly number[] = []
  const shown = choice('heat', () => void toggle())
  shown.classList.add('heat')
  const only = h('input', { type: 'checkbox' })
  const opacity = slider(t('background.heat_opacity'), OPACITY, (value) => {
    if (view.view.heat) view.set({ heat: { ...view.view.heat, opacity: value } })
  })
  const more = [opacity, h('label', {}, only, t('background.selected_only'))]
  for (const element of more) element.hidden = true

  function maps(): Heat['maps'] {
    const found = heatFor(state.canvas, pictures.heats())
    const all = found ? mapsOf(state.canvas, found) : []
    return all.filter(({ region }) => (only.checked ? state.selected.includes(region) : region > 0))
  }

  async function toggle(): Promise<void> {
    const found = view.view.heat ? null : heatFor(state.canvas, pictures.heats())
    const aspect = found && (await aspectOf(found.picture))
    if (found && aspect && !view.view.heat) {
      before = view.view.background
      under = found.picture
      const background = { href: under, aspect, opacity: 1 }
      view.set({ background, heat: { maps: maps(), opacity: Number(opacity.value) } })
      says.textContent = ''
    } else if (view.view.heat) {
      // Another background may have been chosen meanwhile.
      const { background } = view.view
      view.set({ background: background?.href === under ? before : background, heat: null })
    } else says.textContent = t(found ? 'background.unreadable' : 'background.no_heat')
    shown.ariaPressed = String(view.view.heat !== null)
    for (const element of more) element.hidden = view.view.heat === null
  }

  function follow(): void {
    const heat = view.view.heat
    if (!heat || (canvas === state.canvas && selected === state.selected)) return
    canvas = state.canvas
    selected = state.selected
    const next = maps()
    if (JSON.stringify(next) !== JSON.stringify(heat.maps)) view.set({ heat: { ...heat, maps: next } })
  }

  only.addEventListener('change', () => {
    canvas = null
    follow()
  })
  state.subscribe(follow)
  return [shown, ...more]
}

/** The newest heat that most regions of its run still are in the canvas for. */
export function heatFor(canvas: Canvas, heats: readonly HeatPictures[]): HeatPictures | undefined {
  return heats.find((heat) => 2 * (mapsOf(canvas, heat).length - 1) > heat.names.length - 1)
}

/** The maps of a run by the number of the region that is called as it was then; the global words are region 0. */
export function mapsOf(canvas: Canvas, heat: HeatPictures): Heat['maps'] {
  const free = new Set(canvas.regions.keys())
  free.delete(0)
  return heat.names.flatMap((name, part) => {
    const href = heat.maps[part] ?? ''
    if (part === 0) return [{ region: 0, href }]
    const region = [...free].find((number) => (label(canvas, number) || `region ${number}`) === name)
    if (region === undefined) return []
    free.delete(region)
    return [{ region, href }]
  })
}
