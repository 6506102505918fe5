// What ComfyUI loads when the page opens. Everything that can wait is loaded when it is first needed.

import { handedOn } from './bypass'
import { app, type LGraphNode, onBypass, selectedNodes } from './comfy'
import { h } from './dom'
import { t } from './i18n'
import { noteOutputs } from './outputs'

const CANVAS = 'ResonanceCanvas'
const CHAT = 'ResonanceCanvasChat'
const TRANSFORM = 'ResonanceTransform'
const EDIT = 'Resonance.EditCanvas'
const PICTURE_HEIGHT = 220
const TABLE_HEIGHT = 200
const TEXT_HEIGHT = 60

const nodes = (): Promise<typeof import('./node')> => import('./node')
const tables = (): Promise<typeof import('./transform')> => import('./transform')

function edit(node?: LGraphNode): void {
  void nodes().then(({ edit }) => edit(node ?? chosen()))
}

/** The Canvas node that is selected, else the only one there is. */
function chosen(): LGraphNode | undefined {
  const found = selectedNodes().find(isCanvas)
  const all = (app.canvas.graph ?? app.graph).nodes.filter(isCanvas)
  return found ?? (all.length === 1 ? all[0] : undefined)
}

function isCanvas(node: LGraphNode): boolean {
  return node.comfyClass === CANVAS
}

/** Adds an element below all widgets: in front of one that is saved, older front ends lose that one's value. */
function addHost(node: LGraphNode, name: string, height: number): HTMLElement {
  const host = h('div', { className: 'resonance-host' })
  const widget = node.addDOMWidget(name, 'resonance_preview', host, {
    serialize: false,
    hideOnZoom: false,
    hideInPanel: true,
    getMinHeight: () => height,
    getValue: () => '',
    setValue: () => {},
  })
  // Only once a loaded node has its values: beside a dynamic combo, newer front ends would take one of them for this one's.
  queueMicrotask(() => (widget.serialize = false))
  return host
}

let closeGallery: (() => void) | undefined
let openings = 0

app.registerExtension({
  name: 'resonance',
  commands: [{ id: EDIT, label: 'Edit canvas', icon: 'pi pi-th-large', function: () => edit() }],
  keybindings: [{ commandId: EDIT, combo: { key: 'e', ctrl: true, alt: true } }],
  getNodeMenuItems: (node) => (isCanvas(node) ? [{ content: t('node.edit'), callback: () => edit(node) }] : []),
  getSelectionToolboxCommands: (item) => (isCanvas(item) ? [EDIT] : []),

  nodeCreated(node) {
    if (node.comfyClass === TRANSFORM) {
      const host = addHost(node, 'transform_table', TABLE_HEIGHT)
      return void tables().then(({ attach }) => attach(node, host))
    }
    if (isCanvas(node)) {
      // The text keeps its socket, which hidden widgets do not in Nodes 2.0, but needs little room.
      const text = node.widgets?.find((widget) => widget.name === 'canvas_text')
      if (text) text.options['getMinHeight'] = text.options['getMaxHeight'] = () => TEXT_HEIGHT
    } else if (node.comfyClass !== CHAT) return
    const host = addHost(node, 'canvas_preview', PICTURE_HEIGHT)
    void nodes().then(({ attach }) => attach(node, host, isCanvas(node)))
  },

  loadedGraphNode(node) {
    if (isCanvas(node) || node.comfyClass === CHAT) void nodes().then(({ loaded }) => loaded(node))
    else if (node.comfyClass === TRANSFORM) void tables().then(({ loaded }) => loaded(node))
  },

  setup() {
    noteOutputs()
    app.extensionManager.registerSidebarTab({
      id: 'resonance.rounds',
      icon: 'pi pi-images',
      title: 'resonance.gallery.title',
      tooltip: 'resonance.gallery.title',
      type: 'custom',
      render(element) {
        const opening = ++openings
        void import('./gallery/gallery').then(({ openGallery }) => {
          if (opening === openings) closeGallery = openGallery(element)
        })
      },
      destroy() {
        openings++
        closeGallery?.()
        closeGallery = undefined
      },
    })
    return onBypass(handedOn)
  },
})
