// The page "Resonance" of ComfyUI's settings. The server keeps what is chosen there, for every browser.

import { app, inputsOf, type LGraphNode, type Setting } from './comfy'

export const TAGGER = 'Resonance.Describe.Tagger'
export const MODEL = 'Resonance.Describe.Model'
export const PROJECTOR = 'Resonance.Describe.Projector'
export const ADDRESS = 'Resonance.Describe.Address'
export const LAST_USED = 'Resonance.Describe.LastUsed'
export const THUMBNAILS = 'Resonance.Gallery.Thumbnails'
export const SNAP = 'Resonance.Canvas.Snap'

/** Values of the language model that are no file. */
export const LAST = 'last used'
export const SERVER = 'server'

const DESCRIBING = 'Describing pictures'

/** The settings, the last of a group first, as the page wants it. */
export const SETTINGS: Setting[] = [
  {
    id: TAGGER,
    category: ['Resonance', DESCRIBING, 'Tagger'],
    name: 'Tagger',
    tooltip: 'Finds the tags for Describe with Resonance. A new Load Tagger starts with it, too.',
    type: 'combo',
    defaultValue: 'automatic',
    options: () => choices('ResonanceLoadTagger', 'model'),
    sortOrder: 40,
  },
  {
    id: MODEL,
    category: ['Resonance', DESCRIBING, 'Model'],
    name: 'Language model',
    tooltip: 'Writes the captions for Describe with Resonance. A new Load LLM starts with it, too, if it is a file.',
    type: 'combo',
    defaultValue: LAST,
    options: () => [
      { text: 'the last one used', value: LAST },
      { text: 'the server at the address below', value: SERVER },
      ...choices('ResonanceLoadLLM', 'model'),
    ],
    sortOrder: 30,
  },
  {
    id: PROJECTOR,
    category: ['Resonance', DESCRIBING, 'Projector'],
    name: 'Projector (mmproj)',
    tooltip: 'The file that was published with the language model: it turns pictures into tokens.',
    type: 'combo',
    defaultValue: 'none',
    options: () => choices('ResonanceLoadLLM', 'mmproj'),
    sortOrder: 20,
  },
  {
    id: ADDRESS,
    category: ['Resonance', DESCRIBING, 'Address'],
    name: 'Address of a server',
    tooltip:
      'Of llama.cpp, Ollama, LM Studio, vLLM or another that speaks the chat API of OpenAI. A new Connect LLM starts with it, too.',
    type: 'text',
    defaultValue: 'http://127.0.0.1:8080',
    sortOrder: 10,
  },
  {
    id: THUMBNAILS,
    category: ['Resonance', 'Rounds gallery', 'Thumbnails'],
    name: 'Size of the thumbnails',
    type: 'slider',
    defaultValue: 96,
    attrs: { min: 48, max: 192, step: 16 },
  },
  {
    id: SNAP,
    category: ['Resonance', 'Canvas editor', 'Snap'],
    name: 'Snap to 5 cells',
    tooltip: 'Edges of regions snap to every fifth cell of the grid; hold Alt while dragging to be free of it.',
    type: 'boolean',
    defaultValue: true,
  },
  {
    id: LAST_USED,
    category: ['Resonance', DESCRIBING, 'LastUsed'],
    name: 'Language model that was last used',
    type: 'hidden',
    defaultValue: '',
  },
]

/** What a new node starts with once it was chosen. Of one that is loaded or pasted, its own values come afterwards. */
const STARTS: Record<string, Record<string, string>> = {
  ResonanceLoadTagger: { model: TAGGER },
  ResonanceLoadLLM: { model: MODEL, mmproj: PROJECTOR },
  ResonanceConnectLLM: { address: ADDRESS },
}

export function startWith(node: LGraphNode): void {
  for (const [name, id] of Object.entries(STARTS[node.comfyClass ?? ''] ?? {})) {
    const widget = node.widgets?.find((each) => each.name === name)
    const value = setting<string>(id)
    const values = widget?.options['values']
    const chosen = value !== SETTINGS.find((each) => each.id === id)?.defaultValue
    if (widget && chosen && (!Array.isArray(values) || values.includes(value))) widget.value = value
  }
}

export function setting<T>(id: string): T | undefined {
  return app.extensionManager.setting.get<T>(id)
}

function choices(type: string, input: string): string[] {
  return (inputsOf(type)[input]?.[1]?.['options'] ?? []) as string[]
}
