// The picture of a region: uploaded to ComfyUI's input folder, and shown.

import { upload, viewUrl } from '../comfy'
import { h, svg } from '../dom'
import { t } from '../i18n'
import { inputFile, PICTURE } from '../pictures'
import { label, type RegionPicture, STRONGEST_PICTURE } from './canvas'
import { change } from './commands'
import { button, group, labeled, numberField } from './field'
import { type State } from './state'

const STEP = 0.05
/** Of a thumbnail on the stage and its place below the name, in pixels. */
const [SIDE, X, Y] = [64, 9, 28]

/** Another one each time: browsers would show what lay under the name before. */
function addressOf({ file }: RegionPicture): string {
  return `${viewUrl(inputFile(file))}&rand=${Math.random()}`
}

/** Uploads a file and makes it the picture of a region. */
export async function putPicture(
  state: State,
  number: number,
  file: File,
  say: (text: string) => void,
  warn: (text: string) => void,
): Promise<void> {
  if (!PICTURE.test(file.name)) return warn(t('picture.none', { name: file.name }))
  const before = state.canvas.regions[number]
  say(t('picture.uploading', { name: file.name }))
  try {
    const { filename, subfolder } = await upload(file, file.name)
    const name = subfolder ? `${subfolder}/${filename}` : filename
    // It may lie elsewhere meanwhile.
    const { regions } = state.canvas
    const now = regions.findIndex((region) => region === before)
    const at = now < 0 ? number : now
    const changed = change(state.canvas, [at], ({ picture }) => ({
      picture: { file: name, strength: picture?.strength ?? 1 },
    }))
    state.commit(changed, regions[at] ? [at] : state.selected)
    say(t('picture.put', { file: name, region: label(changed, at) || t(at ? 'editor.unnamed' : 'form.global') }))
  } catch (error) {
    say('')
    warn((error as Error).message)
  }
}

/** Pictures that are dropped on the stage are for the region that they are over; on bare ground, for the whole picture. */
export function dropTarget(sheet: HTMLElement, state: State, put: (file: File, number: number) => void): void {
  const aimed = ({ target }: DragEvent): number => {
    const element = target as Element
    if (element.closest('[data-handle]')) return state.selected.at(-1) ?? 0
    return Number(element.closest<SVGElement>('[data-region]')?.dataset['region'] ?? 0)
  }
  sheet.addEventListener('dragover', (event) => {
    const number = aimed(event)
    if (event.dataTransfer?.types.includes('Files') && String(state.selected) !== String(number)) state.select([number])
  })
  sheet.addEventListener('drop', (event) => {
    const [file] = event.dataTransfer?.files ?? []
    if (file) put(file, aimed(event))
  })
}

/** A picture as large on the stage as its name, whatever the region's size; a crossed frame where there is none. */
export function thumbnail(picture: RegionPicture): SVGGElement {
  const image = svg('image', { href: addressOf(picture), x: X, y: Y, width: SIDE, height: SIDE })
  image.setAttribute('preserveAspectRatio', 'xMinYMin meet')
  const frame = `M${X} ${Y}h${SIDE}v${SIDE}h-${SIDE}zl${SIDE} ${SIDE}m0 -${SIDE}l-${SIDE} ${SIDE}`
  const element = svg('g', { class: 'resonance-picture resonance-undistorted' }, image, svg('path', { d: frame }))
  image.addEventListener('error', () => element.classList.add('missing'))
  return element
}

export interface PictureField {
  readonly element: HTMLElement
  show(picture: RegionPicture | null, forced: boolean): void
}

/** Changes the picture. What follows with the same tag is one step of undo, what has none is a step of its own. */
type Edit = (changed: (picture: RegionPicture | null) => RegionPicture | null, tag: string) => void

export function pictureField(edit: Edit, put: (file: File) => void): PictureField {
  const image = h('img', { alt: t('picture.of') })
  const missing = h('p', { className: 'missing' })
  missing.setAttribute('role', 'status')
  const file = h('input', { type: 'file', accept: 'image/*,.jxl,.heic,.heif', hidden: true })
  const choose = button(t('picture.choose'), t('picture.choose'), () => file.click())
  const remove = button('×', t('picture.remove'), () => {
    choose.focus()
    edit(() => null, '')
  })
  const strength = numberField([0, STRONGEST_PICTURE], STEP, (value) =>
    edit((picture) => picture && { ...picture, strength: value }, 'picture strength'),
  )
  const name = h('span', { className: 'name' })
  const line = h('div', { className: 'line' }, name, choose, remove)
  const hint = h('p', { className: 'hint', textContent: t('picture.hint') })
  const strong = labeled(t('picture.strength'), strength.input)
  const element = group(t('picture.title'), hint, image, missing, line, strong, file)
  element.classList.add('picture')

  let shown: RegionPicture | null = null
  image.addEventListener('error', () => {
    image.hidden = true
    missing.textContent = shown && t('picture.missing', { file: shown.file })
  })
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? []
    if (chosen) put(chosen)
    file.value = ''
  })
  element.addEventListener('drop', ({ dataTransfer }) => {
    const [dropped] = dataTransfer?.files ?? []
    if (dropped) put(dropped)
  })
  return {
    element,
    show(picture, forced) {
      for (const each of [remove, strong]) each.hidden = !picture
      hint.hidden = picture !== null
      strength.show(picture?.strength ?? 1, forced)
      if (picture?.file === shown?.file) return
      shown = picture
      name.textContent = picture?.file ?? ''
      missing.textContent = ''
      image.hidden = !picture
      if (picture) image.src = addressOf(picture)
    },
  }
}
