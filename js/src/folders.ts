// The first folder of Round Input: chosen from those there are, or filled with pictures that are dropped or uploaded.

import { app, ask, captureUndo, finder, type LGraphNode, loadTexts, tell, upload } from './comfy'
import { addStyle, h, showText } from './dom'
import { isLinked, widgetOf } from './effective'
import css from './folders.css?inline'
import { keepMounted, makeRoom, mountAgain } from './host'
import { t } from './i18n'
import { PICTURE } from './pictures'

const FOLDER = 'first_folder'
/** Names in one sentence. */
const NAMES = 5
/** Of the buttons, of the text below them at most, and above and below all in classic. */
const BUTTONS = 26
const TEXT = 68
const MARGINS = 20

interface Known {
  readonly folders: readonly { readonly name: string; readonly pictures: number }[]
  /** Whether no more were left out. */
  readonly all: boolean
  readonly suffixes: readonly string[]
  /** By suffix, what must be installed to read it. */
  readonly needed: Readonly<Record<string, string>>
}

/** A file, and its folder inside of what was dropped. */
export interface Found {
  readonly file: File
  readonly inside: string
}

interface Row {
  readonly buttons: readonly HTMLButtonElement[]
  /** Says how far it is, below the buttons. */
  say(text: string): void
}

const rows = new WeakMap<LGraphNode, Row>()

/** Puts the buttons on a node that was just made. `grow` is told what room they need. */
export async function attach(node: LGraphNode, host: HTMLElement, grow: (height: number) => void): Promise<void> {
  keepMounted(node, host)
  node.onDragOver = ({ dataTransfer }) => [...(dataTransfer?.items ?? [])].some(({ kind }) => kind === 'file')
  node.onDragDrop = (event) => drop(node, event)
  // In classic the element lies over the canvas, which hears of nothing that happens on it.
  host.addEventListener('dragover', (event) => {
    if (!node.onDragOver?.(event)) return
    event.preventDefault()
    app.dragOverNode = node
  })
  await loadTexts()
  addStyle('resonance-folders', css)
  const button = (text: string, act: () => void): HTMLButtonElement => {
    const made = h('button', { type: 'button', textContent: text, title: text })
    made.addEventListener('click', act)
    return made
  }
  const buttons = [
    button(t('folders.choose'), () => void choose(node)),
    button(t('folders.upload'), () => void pick(node)),
  ]
  const status = h('p', { role: 'status' })
  host.classList.add('resonance-folder')
  host.replaceChildren(h('div', {}, ...buttons), status)
  rows.set(node, {
    buttons,
    say(text) {
      showText(status, text)
      const height = BUTTONS + (text ? 4 + Math.min(status.scrollHeight, TEXT) : 0)
      host.style.minHeight = `${height}px`
      grow(height + MARGINS)
      makeRoom(node)
    },
  })
}

/** After a workflow was loaded, and after undo. */
export function loaded(node: LGraphNode): void {
  mountAgain(node)
}

/** Lets a person choose from the folders that there are. */
export async function choose(node: LGraphNode): Promise<void> {
  await loadTexts()
  if (isLinked(node, FOLDER)) return tell(t('folders.connected'))
  const find = finder(node)
  try {
    const known = await ask<Known>('/resonance/folders')
    if (!document.querySelector('dialog.resonance-folders')) {
      openList(known, String(widgetOf(node, FOLDER)?.value ?? ''), (name) => set(find(), name))
    }
  } catch (error) {
    tell((error as Error).message)
  }
}

/** Lets a person choose pictures of their own. */
export async function pick(node: LGraphNode): Promise<void> {
  await loadTexts()
  if (isLinked(node, FOLDER)) return tell(t('folders.connected'))
  const input = h('input', { type: 'file', multiple: true, accept: 'image/*,.jxl,.heic,.heif' })
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])].map((file) => ({ file, inside: '' }))
    if (files.length) void send(node, 'pictures', Promise.resolve(files))
  })
  input.click()
}

function openList({ folders, all }: Known, current: string, use: (name: string) => void): void {
  addStyle('resonance-folders', css)
  const list = h('select', { size: 12, ariaLabel: t('folders.list') })
  const groups = new Map<string, HTMLOptGroupElement>()
  for (const { name, pictures } of folders) {
    const root = /\[(\w+)\]$/.exec(name)?.[1] ?? 'input'
    const label = root === 'input' || root === 'output' ? t(`folders.${root}`) : `[${root}]`
    const group = groups.get(root) ?? h('optgroup', { label })
    groups.set(root, group)
    const text = name === '[input]' ? t('folders.whole_input') : name
    group.append(h('option', { value: name, textContent: t('folders.holds', { name: text, n: pictures }) }))
  }
  list.append(...groups.values())
  list.value = folders.some(({ name }) => name === current) ? current : ''
  const options = [...list.options]
  if (!list.value)
    list.selectedIndex = Math.max(
      0,
      options.findIndex((option) => option.value !== '[input]'),
    )
  const note = h('p', {
    textContent: folders.length ? t('folders.not_all') : t('folders.none'),
    hidden: all && !!folders.length,
  })
  list.hidden = !folders.length
  const accept = h('button', { type: 'button', textContent: t('folders.use'), hidden: !folders.length })
  const cancel = h('button', { type: 'button', textContent: t('folders.cancel') })
  const title = h('h2', { id: 'resonance-folders-title', textContent: t('folders.title') })
  const dialog = h('dialog', { className: 'resonance-folders' }, title, list, note, h('footer', {}, accept, cancel))
  dialog.setAttribute('aria-labelledby', title.id)
  const done = (): void => {
    dialog.close()
    if (list.value) use(list.value)
  }
  accept.addEventListener('click', done)
  cancel.addEventListener('click', () => dialog.close())
  list.addEventListener('dblclick', done)
  dialog.addEventListener('keydown', (event) => {
    event.stopPropagation()
    if (event.key !== 'Enter' || event.target !== list) return
    event.preventDefault() // the button that has the focus after this would be pressed
    done()
  })
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
  if (folders.length) list.focus()
  else cancel.focus()
}

function set(node: LGraphNode | null, folder: string): void {
  const widget = node && widgetOf(node, FOLDER)
  if (!widget || widget.value === folder) return
  widget.value = folder
  widget.callback?.(folder)
  captureUndo()
}

/** Whether what was dropped was for the node. It has to be asked for its entries at once: later they are gone. */
function drop(node: LGraphNode, { dataTransfer }: DragEvent): boolean {
  const items = [...(dataTransfer?.items ?? [])].filter(({ kind }) => kind === 'file')
  const entries = items.map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const files = [...(dataTransfer?.files ?? [])]
  const [only] = entries
  const isFolder = entries.some((entry) => entry.isDirectory)
  if (!isFolder && !files.some(isPicture)) return false
  if (isLinked(node, FOLDER)) tell(t('folders.connected'))
  else if (entries.length === 1 && only?.isDirectory)
    void send(node, only.name, filesIn(only as FileSystemDirectoryEntry))
  else if (isFolder)
    void send(
      node,
      'pictures',
      Promise.all(entries.map((entry) => filesOf(entry, ''))).then((all) => all.flat()),
    )
  else void send(node, 'pictures', Promise.resolve(files.map((file) => ({ file, inside: '' }))))
  return true
}

function isPicture({ name, type }: File): boolean {
  return PICTURE.test(name) || type.startsWith('image/')
}

async function filesOf(entry: FileSystemEntry, inside: string): Promise<Found[]> {
  if (entry.name.startsWith('.')) return []
  if (entry.isDirectory) return await filesIn(entry as FileSystemDirectoryEntry, `${inside}/${entry.name}`)
  const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed))
  return [{ file, inside }]
}

/** The files of a folder and of those inside; it is read in pieces. */
export async function filesIn(folder: FileSystemDirectoryEntry, inside = ''): Promise<Found[]> {
  const reader = folder.createReader()
  const found: Found[] = []
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed))
    if (!entries.length) return found
    for (const entry of entries) found.push(...(await filesOf(entry, inside)))
  }
}

/** Sends pictures into a folder that was not there before, and sets it. */
async function send(node: LGraphNode, wanted: string, finding: Promise<readonly Found[]>): Promise<void> {
  const find = finder(node)
  const say = (text: string): void => rows.get(find() ?? node)?.say(text)
  const busy = (on: boolean): void => {
    for (const button of rows.get(find() ?? node)?.buttons ?? []) button.disabled = on
  }
  busy(true)
  try {
    const [found, { suffixes, needed }] = await Promise.all([finding, ask<Known>('/resonance/folders')])
    const suffix = ({ file }: Found): string => /\.[^.]+$/.exec(file.name)?.[0].toLowerCase() ?? ''
    const pictures = found.filter((each) => suffixes.includes(suffix(each)))
    const others = found.filter((each) => !pictures.includes(each))
    const left = others.map((each) => {
      const needs = needed[suffix(each)]
      return needs ? t('folders.needs', { name: each.file.name, package: needs }) : each.file.name
    })
    const notes = left.length ? [t('folders.not_pictures', { names: some(left) })] : []
    if (!pictures.length) return say(notes[0] ?? t('folders.empty'))
    const { subfolder, folder } = await ask<{ subfolder: string; folder: string }>('/resonance/folders', {
      name: wanted,
    })
    const failed: string[] = []
    for (const [i, { file, inside }] of pictures.entries()) {
      say(t('folders.uploading', { done: i, total: pictures.length }))
      try {
        await upload(file, file.name, 'input', `${subfolder}${inside}`)
      } catch (error) {
        failed.push(`${file.name} (${(error as Error).message})`)
      }
    }
    const done = pictures.length - failed.length
    if (done) set(find(), folder)
    if (failed.length) notes.unshift(t('folders.failed', { names: some(failed) }))
    say([t('folders.uploaded', { n: done, folder: `input/${subfolder}` }), ...notes].join(' '))
  } catch (error) {
    say((error as Error).message)
  } finally {
    busy(false)
  }
}

/** The first of many names, and how many more there are. */
export function some(names: readonly string[]): string {
  const more = names.length - NAMES
  return names.slice(0, NAMES).join(', ') + (more > 0 ? ` ${t('folders.more', { n: more })}` : '')
}
