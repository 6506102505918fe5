// Canvas and Canvas Chat in the graph: what their pictures show, and the way from a node into the editor and back.

import { BLANK, type Canvas, read, readList, write } from './canvas/canvas'
import { createPreview } from './canvas/preview'
import { app, captureUndo, findNode, finder, type LGraphNode, loadTexts, on, outputOf } from './comfy'
import { copy } from './copy'
import { h } from './dom'
import { keepMounted, mountAgain, onChange } from './host'
import { t } from './i18n'
import { type Answer, answers, type CanvasEvent } from './live'
import { picturesOf } from './pictures'
import { setting, SNAP } from './settings'
import { hasUpstream, isLinked, sizeOf, effectiveOf, stored, textOf, widgetOf } from './effective'

/** Milliseconds of rest before the server is asked to read a text that is being typed. */
const PATIENCE = 250
/** Milliseconds after which outputs that are kept with a workflow have been put back. */
const RESTORED = 500

/** What was put on a node. */
interface Attached {
  readonly element: HTMLElement
  /** Shows what the node holds now. */
  refresh(): void
  /** Shows an answer that is being written to it. */
  answer?(answer: Answer): void
  /** The last canvas that was shown. */
  canvas: Canvas
}

const attached = new WeakMap<LGraphNode, Attached>()

const answered = answers((id, answer) => {
  const node = findNode(id)
  if (node) attached.get(node)?.answer?.(answer)
})
on<CanvasEvent>('resonance.canvas', answered.hear)
for (const end of ['execution_success', 'execution_error', 'execution_interrupted']) on(end, answered.stop)

/** Puts a picture of its canvas on a node that was just made. */
export async function attach(node: LGraphNode, host: HTMLElement, edited: boolean): Promise<void> {
  keepMounted(node, host)
  await loadTexts()
  const made = edited ? canvasPreview(node) : chatPreview(node)
  attached.set(node, made)
  host.replaceChildren(made.element)
  const before = node.onExecuted
  node.onExecuted = (output) => {
    before?.call(node, output)
    made.refresh()
  }
  made.refresh()
}

/** After a workflow was loaded, and after undo. */
export function loaded(node: LGraphNode): void {
  attached.get(node)?.refresh()
  setTimeout(() => attached.get(node)?.refresh(), RESTORED)
  mountAgain(node)
}

function canvasPreview(node: LGraphNode): Attached {
  const open = (): void => void edit(node)
  const preview = createPreview(open)
  const button = h('button', { type: 'button', textContent: t('node.edit'), onclick: open })
  const release = h('button', {
    type: 'button',
    textContent: t('node.use_connected'),
    title: t('node.use_connected_tip'),
    onclick: () => setText(node, ''),
  })
  preview.actions.append(button, release)
  const made: Attached = { element: preview.element, refresh: () => void refresh(), canvas: BLANK }
  let turn = 0

  async function refresh(): Promise<void> {
    const mine = ++turn
    release.hidden = !hasUpstream(node) || !textOf(node).trim()
    const source = await effectiveOf(node, () => new Promise((done) => setTimeout(done, PATIENCE)))
    if (mine !== turn) return
    if (source.canvas) made.canvas = source.canvas
    const [width, height] = sizeOf(node)
    preview.show({ canvas: made.canvas, aspect: width / height, says: source.problem || source.note })
  }

  for (const name of ['canvas_text', 'width', 'height']) onChange(widgetOf(node, name), made.refresh)
  const before = node.onConnectionsChange
  node.onConnectionsChange = function (...change) {
    before?.apply(node, change)
    made.refresh()
  }
  return made
}

function chatPreview(node: LGraphNode): Attached {
  const preview = createPreview(null)
  const button = h('button', {
    type: 'button',
    textContent: t('node.copy'),
    onclick: async () => {
      if (!(await copy(write(made.canvas)))) tell(t('node.not_copied'))
    },
  })
  preview.actions.append(button)
  onChange(widgetOf(node, 'answer_form'), () => followForm(node))
  const made: Attached = {
    element: preview.element,
    refresh() {
      const canvas = stored(outputOf(node)?.['resonance_canvas'])
      if (canvas) made.canvas = canvas
      button.hidden = made.canvas === BLANK
      preview.show({ canvas: made.canvas, says: button.hidden ? t('node.none_yet') : '' })
    },
    answer({ regions, live, text }) {
      if (regions) made.canvas = readList(regions)
      button.hidden = made.canvas === BLANK
      preview.show({ canvas: made.canvas, live, answer: text })
    },
    canvas: BLANK,
  }
  return made
}

/** Shows the instruction that belongs to the form of the answer, unless another was written. */
function followForm(node: LGraphNode): void {
  const system = widgetOf(node, 'system')
  const texts = (node.constructor.nodeData?.input.required?.['system']?.[1]?.['texts'] ?? {}) as Record<string, string>
  const text = texts[String(widgetOf(node, 'answer_form')?.value)]
  if (system && text && Object.values(texts).includes(String(system.value))) system.value = text
}

/** All parts at once: an editor that is open can do without the server. */
function editorParts() {
  return Promise.all([
    import('./canvas/editor'),
    import('./canvas/form'),
    import('./canvas/source_text'),
    import('./canvas/exchange_panels'),
  ])
}

/** Opens the editor on a node's canvas. */
export async function edit(node: LGraphNode | undefined): Promise<void> {
  await loadTexts()
  if (!node) return tell(t('node.select_one'))
  if (isLinked(node, 'canvas_text')) return tell(t('node.text_connected'))
  const loading = editorParts().catch(() => undefined)
  const source = await effectiveOf(node, () => Promise.resolve())
  const parts = await loading
  if (!parts) return tell(t('server.gone'))
  // Two presses in a row ask for one editor.
  if (document.querySelector('dialog.resonance-editor')) return
  const [{ openEditor }] = parts
  const [width, height] = sizeOf(node)
  const find = finder(node)
  const canvas = source.canvas ?? attached.get(node)?.canvas ?? BLANK
  // What is connected may not be known yet: then an edit stays tied to what the text was made from.
  const origin = source.origin || (hasUpstream(node) ? canvas.origin : '')
  let known = source.text
  openEditor({
    title: node.title,
    canvas: origin ? { ...canvas, origin } : canvas,
    text: source.text,
    problem: source.problem,
    note: source.note,
    width,
    height,
    snap: setting(SNAP) === false ? 1 : 5,
    pictures: picturesOf(node),
    save(text) {
      const found = find()
      if (!found) throw new Error(t('node.gone'))
      if (textOf(found) !== known) {
        known = textOf(found)
        throw new Error(t('node.changed'))
      }
      const saved = read(text)
      setText(found, write(origin ? { ...saved, origin } : saved))
    },
  })
}

function setText(node: LGraphNode, text: string): void {
  const widget = widgetOf(node, 'canvas_text')
  if (!widget || widget.value === text) return
  widget.value = text
  captureUndo()
}

function tell(summary: string): void {
  app.extensionManager.toast.add({ severity: 'info', summary, life: 5000 })
}
