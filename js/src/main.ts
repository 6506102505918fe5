// What ComfyUI loads when the page opens. Everything that can wait is loaded when it is first needed.

import { handedOn } from './bypass'
import {
  app,
  GALLERY,
  type LGraphNode,
  loadTexts,
  type MenuItem,
  on,
  onBypass,
  onSend,
  type Output,
  outputOf,
  selectedNodes,
} from './comfy'
import { addHost } from './host'
import { t } from './i18n'
import { noteOutputs } from './outputs'
import { SETTINGS, startWith } from './settings'
import { shownOn } from './shown'

const CANVAS = 'ResonanceCanvas'
const CHAT = 'ResonanceCanvasChat'
const TRANSFORM = 'ResonanceTransform'
const OUTPUT = 'ResonanceRoundOutput'
const INPUT = 'ResonanceRoundInput'
const LOAD = 'LoadImage'
/** Nodes whose words stay: they are there again after a reload. */
const SPEAKING = new Set([
  'ResonanceTagImages',
  'ResonanceCaptionImages',
  'ResonanceComposePrompt',
  'ResonanceRoundWords',
  'ResonanceSaveWords',
])
/** Nodes that have to do with a session. */
const SESSIONS = new Set([INPUT, OUTPUT, 'ResonanceExplore', 'ResonancePromptLines', 'ResonanceVary'])
const OURS = /^(Resonance|Omost|DenseDiffusion)/
const EDIT = 'Resonance.EditCanvas'
const DESCRIBE = 'Resonance.Describe'
const PICTURE_HEIGHT = 220
const TABLE_HEIGHT = 200
const TEXT_HEIGHT = 60
const BUTTONS_HEIGHT = 46

const nodes = (): Promise<typeof import('./node')> => import('./node')
let speaking: Promise<typeof import('./said')> | undefined
const said = (): Promise<typeof import('./said')> => (speaking ??= import('./said'))
const menu = (): Promise<typeof import('./menu')> => import('./menu')
const panel = (): Promise<typeof import('./describe/panel')> => import('./describe/panel')
const folders = (): Promise<typeof import('./folders')> => import('./folders')
const templates = (): Promise<typeof import('./templates')> => import('./templates')
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

/** Without a node, of the one that is selected. */
function describe(node?: LGraphNode): void {
  void panel().then(({ describe }) => describe(node ?? selectedNodes().find((each) => shownOn(each).length)))
}

function menuOf(node: LGraphNode): MenuItem[] {
  const items: MenuItem[] = []
  if (isCanvas(node)) items.push({ content: t('node.edit'), callback: () => edit(node) })
  if (SESSIONS.has(node.comfyClass ?? '')) {
    items.push({ content: t('node.show_rounds'), callback: () => void menu().then((on) => on.showRounds(node)) })
    if (node.comfyClass !== OUTPUT)
      items.push({ content: t('node.new_session'), callback: () => void menu().then((on) => on.newSession(node)) })
    items.push({ content: t('node.copy_folder'), callback: () => void menu().then((on) => on.copyFolder(node)) })
  }
  if (node.comfyClass === INPUT)
    items.push(
      { content: t('folders.choose'), callback: () => void folders().then((on) => on.choose(node)) },
      { content: t('folders.upload'), callback: () => void folders().then((on) => on.pick(node)) },
    )
  if (SPEAKING.has(node.comfyClass ?? '') || outputOf(node)?.['text'])
    items.push({ content: t('node.copy_words'), callback: () => void menu().then((on) => on.copyWords(node)) })
  if (shownOn(node).length) items.push({ content: t('describe.title'), callback: () => describe(node) })
  return items
}

/** What nodes say is shown by a part that is loaded when the first one speaks. */
function hearNodes(): void {
  on('resonance.rounds', () => {}) // the front end reports events that nobody hears
  on<{ node: string; text: string }>(
    'resonance.text',
    ({ node, text }) => void said().then(({ say }) => say(node, text)),
  )
  on<{ node: string; session: string; round: number }>(
    'resonance.gone',
    ({ node, session, round }) => void said().then(({ offerAgain }) => offerAgain(node, session, round)),
  )
  on<{ node: string; output: Output | null }>('executed', ({ node, output }) => {
    if (output?.['resonance_text']) void said().then(({ put }) => put(node, output))
  })
  on<{ node_id: string; node_type: string; exception_message: string }>('execution_error', (error) => {
    void speaking?.then(({ fail }) => fail())
    const { node_id, node_type, exception_message } = error
    if (OURS.test(node_type)) void said().then(({ blame }) => blame(node_id, exception_message.trim()))
  })
  onSend(
    () => void speaking?.then(({ correct }) => correct()),
    (nodes) => {
      const ours = Object.entries(nodes).filter(([, { class_type }]) => OURS.test(class_type))
      if (ours.length) void said().then(({ refuse }) => refuse(ours))
    },
  )
  on<unknown>('execution_start', () => void speaking?.then(({ start }) => start()))
  on<unknown>('execution_success', () => void speaking?.then(({ end }) => end()))
  on<unknown>('execution_interrupted', () => void speaking?.then(({ interrupt }) => interrupt()))
  on<string | null>('executing', (node) => void (node && speaking?.then(({ begin }) => begin(node))))
}

let closeGallery: (() => void) | undefined
let openings = 0

app.registerExtension({
  name: 'resonance',
  commands: [
    { id: EDIT, label: 'Edit canvas', icon: 'pi pi-th-large', function: () => edit() },
    { id: DESCRIBE, label: 'Describe with Resonance', icon: 'pi pi-comment', function: () => describe() },
  ],
  keybindings: [
    { commandId: EDIT, combo: { key: 'e', ctrl: true, alt: true } },
    { commandId: DESCRIBE, combo: { key: 'w', ctrl: true, alt: true } },
  ],
  settings: SETTINGS,
  getNodeMenuItems: menuOf,
  getSelectionToolboxCommands: (item) => (isCanvas(item) ? [EDIT] : []),

  nodeCreated(node) {
    void loadTexts() // menus are asked for at once
    startWith(node)
    if (node.comfyClass === INPUT) {
      let height = BUTTONS_HEIGHT
      const host = addHost(node, 'folder', () => height)
      return void folders().then(({ attach }) => attach(node, host, (needed) => (height = needed)))
    }
    if (node.comfyClass === TRANSFORM) {
      const host = addHost(node, 'transform_table', () => TABLE_HEIGHT)
      return void tables().then(({ attach }) => attach(node, host))
    }
    if (isCanvas(node)) {
      // The text keeps its socket, which hidden widgets do not in Nodes 2.0, but needs little room.
      const text = node.widgets?.find((widget) => widget.name === 'canvas_text')
      if (text) text.options['getMinHeight'] = text.options['getMaxHeight'] = () => TEXT_HEIGHT
    } else if (node.comfyClass !== CHAT) return
    const host = addHost(node, 'canvas_preview', () => PICTURE_HEIGHT)
    void nodes().then(({ attach }) => attach(node, host, isCanvas(node)))
  },

  async beforeConfigureGraph(workflow) {
    if (workflow.nodes?.some(({ type }) => type === LOAD)) await (await templates()).bring(workflow)
  },

  loadedGraphNode(node) {
    if (node.comfyClass === LOAD) void templates().then(({ list }) => list(node))
    else if (isCanvas(node) || node.comfyClass === CHAT) void nodes().then(({ loaded }) => loaded(node))
    else if (node.comfyClass === TRANSFORM) void tables().then(({ loaded }) => loaded(node))
    else if (node.comfyClass === INPUT) void folders().then(({ loaded }) => loaded(node))
    else if (SPEAKING.has(node.comfyClass ?? '')) void said().then(({ loaded }) => loaded(node))
  },

  setup() {
    noteOutputs()
    hearNodes()
    app.extensionManager.registerSidebarTab({
      id: GALLERY,
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
