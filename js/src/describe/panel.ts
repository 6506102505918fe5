// Describe with Resonance: a panel beside the graph with the words of one picture. The graph can be worked on meanwhile, so
// that it is no modal dialog.

import {
  addBeside,
  type ApiGraph,
  addNode,
  app,
  captureUndo,
  finder,
  type LGraphNode,
  loadTexts,
  type Picture,
  upload,
  viewUrl,
  type Widget,
} from '../comfy'
import { copy } from '../copy'
import { addStyle, h } from '../dom'
import { isLinked } from '../effective'
import { t } from '../i18n'
import { LAST_USED } from '../settings'
import { shownOn } from '../shown'
import css from './describe.css?inline'
import { captioning, type Kind, loader, type Loader, tagging } from './graph'
import { queue } from './run'

const TEXT_NODE = 'PrimitiveStringMultiline'

/** What was asked for last. */
let asked: Kind = 'tags'

/** Opens a panel and asks at once, unless it is not known which picture of several is meant. */
export async function describe(node: LGraphNode | undefined): Promise<void> {
  await loadTexts()
  if (!node) {
    app.extensionManager.toast.add({ severity: 'info', summary: t('describe.select_one'), life: 5000 })
    return
  }
  addStyle('resonance-describe', css)
  const pictures = shownOn(node)
  const panel = makePanel(node, pictures)
  stack().append(panel.element)
  panel.element.focus()
  const enlarged = node.imageIndex ?? -1
  if (pictures[enlarged]) panel.choose(enlarged)
  if (pictures.length === 1 || pictures[enlarged]) void panel.start(asked)
}

function stack(): HTMLElement {
  const there = document.querySelector<HTMLElement>('.resonance-describes')
  if (there) return there
  const made = h('div', { className: 'resonance-describes' })
  document.body.append(made)
  return made
}

function makePanel(node: LGraphNode, pictures: readonly (Picture | string)[]) {
  const find = finder(node)
  let stop: (() => void) | undefined
  let asking: Kind | undefined

  const image = h('img', { alt: t('describe.picture') })
  const which = h('select', { ariaLabel: t('describe.picture'), hidden: pictures.length < 2 })
  const words = h('textarea', { ariaLabel: t('describe.words'), rows: 4, spellcheck: false })
  const status = h('p', { role: 'status' })
  const alert = h('p', { role: 'alert', className: 'problem' })
  const button = (text: string, onclick: () => void): HTMLButtonElement =>
    h('button', { type: 'button', textContent: text, onclick })
  const tags = button(t('describe.tags'), () => void start('tags'))
  const caption = button(t('describe.caption'), () => void start('caption'))
  const stopping = button(t('describe.stop'), () => stop?.())
  const copying = button(t('describe.copy'), () => void copyWords())
  const into = h('select', { ariaLabel: t('describe.into'), onfocus: listTargets })
  const putting = button(t('describe.put'), put)
  const heading = h('h2', { textContent: t('describe.title') })
  const close = button('✕', () => leave())
  close.ariaLabel = t('describe.close')

  const element = h(
    'section',
    { className: 'resonance-describe', role: 'dialog', ariaLabel: t('describe.title'), tabIndex: -1 },
    h('header', {}, heading, close),
    h('div', { className: 'asked' }, image, h('div', {}, which, tags, caption, stopping)),
    words,
    status,
    alert,
    h('div', { className: 'row' }, copying, into, putting),
  )
  element.addEventListener('keydown', (event) => {
    event.stopPropagation() // ComfyUI would take Delete for the selected nodes
    if (event.key === 'Escape') leave()
  })

  /** Whoever closes the panel does not want the words any more. */
  function leave(): void {
    stop?.()
    element.remove()
  }

  function show(): void {
    const picture = pictures[which.selectedIndex] ?? ''
    image.src = typeof picture === 'string' ? picture : viewUrl(picture)
  }

  function working(on: boolean): void {
    which.disabled = on
    stopping.hidden = !on
    words.readOnly = on
    if (!on) stop = undefined
    ready()
  }

  function ready(): void {
    copying.disabled = into.disabled = putting.disabled = words.readOnly || !words.value
  }

  function say(text: string): void {
    status.textContent = text
    alert.textContent = ''
  }

  /** Asks, in place of what else may be asked already. */
  async function start(kind: Kind): Promise<void> {
    if (stop && kind === asking) return
    asked = asking = kind
    stop?.()
    words.value = ''
    let over = false
    stop = () => {
      over = true
      ended(t('describe.stopped'))
    }
    working(true)
    say(t('describe.waiting'))
    try {
      const picture = await known(pictures[which.selectedIndex] ?? '')
      const llm = kind === 'caption' ? await loader() : undefined
      if (over) return
      if (kind === 'tags') begin(kind, tagging(picture))
      else if (llm) begin(kind, captioning(picture, llm), llm)
      else fail(t('describe.no_model'))
    } catch (error) {
      if (!over) fail((error as Error).message)
    }
  }

  function begin(kind: Kind, graph: ApiGraph, llm?: Loader): void {
    stop = queue(graph, {
      began: () => say(t('describe.working')),
      says(text) {
        if (kind === 'tags') say(text)
        else words.value = text
      },
      made(text, by) {
        ended(by || t('describe.done'), text)
        if (llm) void app.extensionManager.setting.set(LAST_USED, JSON.stringify(llm))
      },
      failed: fail,
      stopped: () => ended(t('describe.stopped')),
    })
  }

  function ended(text: string, made = ''): void {
    words.value = made
    say(text)
    working(false)
  }

  function fail(sentence: string): void {
    ended('')
    alert.textContent = sentence
  }

  async function copyWords(): Promise<void> {
    say(t((await copy(words.value)) ? 'describe.copied' : 'node.not_copied'))
  }

  /** Texts of the graph in which the node is; in another workflow, of the one in view. */
  function targets(): { node: LGraphNode; widget: Widget }[] {
    const { nodes } = find()?.graph ?? app.canvas.graph ?? app.graph
    return nodes.flatMap((node) =>
      (node.widgets ?? [])
        .filter((widget) => widget.type === 'customtext' && !widget.hidden && !isLinked(node, widget.name))
        .map((widget) => ({ node, widget })),
    )
  }

  let listed: { node: LGraphNode; widget: Widget }[] = []

  function listTargets(): void {
    const chosen = into.value
    listed = targets()
    into.replaceChildren(
      h('option', { value: '', textContent: t('describe.new_node') }),
      ...listed.map(({ node, widget }) => {
        const name = `${node.title} (${node.id}): ${widget.name}`
        return h('option', { value: name, textContent: name })
      }),
    )
    into.value = chosen
    if (into.selectedIndex < 0) into.selectedIndex = 0
  }

  function put(): void {
    const target = listed[into.selectedIndex - 1]
    const beside = find()
    const made = target ? undefined : beside ? addBeside(TEXT_NODE, beside) : addNode(TEXT_NODE)
    const widget = target?.widget ?? made?.widgets?.[0]
    if (!widget) return
    widget.value = words.value
    widget.callback?.(widget.value)
    captureUndo()
    app.canvas.setDirty(true, true)
    say(t('describe.written', { node: target?.node.title ?? made?.title ?? '' }))
    listTargets()
  }

  which.append(
    ...pictures.map((_, i) => h('option', { textContent: t('describe.nth', { n: i + 1, all: pictures.length }) })),
  )
  which.onchange = show
  words.oninput = ready
  listTargets()
  show()
  working(false)
  if (pictures.length > 1) say(t('describe.choose'))

  return {
    element,
    start,
    choose(index: number) {
      which.selectedIndex = index
      show()
    },
  }
}

/** A picture that the server can read: one that only the page has is put into ComfyUI's folder for what is temporary. */
async function known(picture: Picture | string): Promise<Picture> {
  if (typeof picture !== 'string') return picture
  const sheet = await drawn(picture).catch(() => {
    throw new Error(t('describe.unreadable'))
  })
  return upload(sheet, 'described.png', 'temp')
}

/** As a PNG: ComfyUI's page may show addresses that it may not fetch. */
async function drawn(address: string): Promise<Blob> {
  const image = h('img', { src: address })
  await image.decode()
  const sheet = h('canvas', { width: image.naturalWidth, height: image.naturalHeight })
  sheet.getContext('2d')!.drawImage(image, 0, 0)
  return new Promise((done, failed) => sheet.toBlob((blob) => (blob ? done(blob) : failed(new Error(address)))))
}
