import { beforeEach, expect, test, vi } from 'vitest'
import { ask, type LGraphNode, type Picture } from '../src/comfy'
import { captioning, loader, pathOf, tagging } from '../src/describe/graph'
import { shownOn } from '../src/shown'

const settings: Record<string, unknown> = {}
let output: Record<string, unknown> | undefined
const inputs: Record<string, Record<string, [unknown, Record<string, unknown>]>> = {
  ResonanceLoadTagger: { model: ['COMBO', { options: ['one', 'two'] }], download: ['BOOLEAN', { default: false }] },
  ResonanceTagImages: { tagger: ['T', {}], images: ['IMAGE', {}], maximum: ['INT', { default: 0 }] },
  ResonanceCaptionImages: { llm: ['L', {}], images: ['IMAGE', {}], seed: ['INT', { default: 0 }] },
  ResonanceLoadLLM: { model: ['COMBO', { options: ['a.gguf'] }], mmproj: ['COMBO', { options: ['none', 'm.gguf'] }] },
}
vi.mock('../src/comfy', () => ({
  app: { extensionManager: { setting: { get: (id: string) => settings[id] } } },
  ask: vi.fn(),
  inputsOf: (type: string) => inputs[type] ?? {},
  outputOf: () => output,
  previewsOf: () => [],
}))

const PICTURE: Picture = { filename: 'a.png', subfolder: 'few', type: 'output' }
const node = (more: object = {}): LGraphNode => more as LGraphNode
const run = (graph: unknown) => ({ prompt: [0, 'id', graph, {}], outputs: {} })

beforeEach(() => {
  output = undefined
  Object.assign(settings, { 'Resonance.Describe.Tagger': 'two', 'Resonance.Describe.Model': 'last used' })
  settings['Resonance.Describe.LastUsed'] = ''
})

test('a picture is named as Load Image names it', () => {
  expect(pathOf(PICTURE)).toBe('few/a.png [output]')
  expect(pathOf({ filename: 'a.png', subfolder: '', type: 'temp' })).toBe('a.png [temp]')
  expect(pathOf({ filename: 'painted.png [input]', subfolder: 'clipspace', type: 'input' })).toBe(
    'clipspace/painted.png [input]',
  )
})

test('what a node shows is known to the server, or an address of the page', () => {
  output = { images: [PICTURE, { filename: 'film.mp4', subfolder: '', type: 'output' }] }
  expect(shownOn(node())).toEqual([PICTURE])
  output = undefined
  expect(shownOn(node())).toEqual([])
  const view = `${location.origin}/api/view?filename=a.bmp&type=input&subfolder=few&rand=0.1`
  const imgs = [view, 'data:image/png;base64,AAAA', 'https://example.org/view?filename=a.png'].map((src) => ({ src }))
  expect(shownOn(node({ imgs }))).toEqual([
    { filename: 'a.bmp', subfolder: 'few', type: 'input' },
    ...imgs.slice(1).map(({ src }) => src),
  ])
  const inner = node({ imgs: imgs.slice(0, 1) })
  expect(shownOn(node({ subgraph: { nodes: [node(), inner] } }))).toEqual([
    { filename: 'a.bmp', subfolder: 'few', type: 'input' },
  ])
})

test('tags come from the tagger of the settings, and nothing is fetched', () => {
  const graph = tagging(PICTURE)
  expect(graph['tagger']).toEqual({ class_type: 'ResonanceLoadTagger', inputs: { model: 'two', download: false } })
  expect(graph['describe']!.inputs).toEqual({ tagger: ['tagger', 0], images: ['picture', 0], maximum: 0 })
})

test('the language model is the one last used, with what loads it and nothing else', async () => {
  const old = {
    '1': { class_type: 'Old', inputs: {} },
    '2': { class_type: 'ResonanceCaptionImages', inputs: { llm: ['1', 0] } },
  }
  const used = {
    '4': { class_type: 'CLIPLoader', inputs: { name: 'c' }, is_changed: [1] },
    '10:5': { class_type: 'ResonanceCoreLLM', inputs: { clip: ['4', 0] } },
    '6': { class_type: 'EmptyImage', inputs: {} },
    '7': { class_type: 'ResonanceCaptionImages', inputs: { llm: ['10:5', 0], images: ['6', 0] } },
  }
  vi.mocked(ask).mockResolvedValue({
    a: run(old),
    b: run(used),
    c: run({ '1': { class_type: 'SaveImage', inputs: {} } }),
  })
  const found = (await loader())!
  expect(found.llm).toEqual(['10:5', 0])
  expect(found.nodes).toEqual({
    '10:5': { class_type: 'ResonanceCoreLLM', inputs: { clip: ['4', 0] } },
    '4': { class_type: 'CLIPLoader', inputs: { name: 'c' } },
  })
  expect(captioning(PICTURE, found)['describe']!.inputs).toEqual({ llm: ['10:5', 0], images: ['picture', 0], seed: 0 })
  vi.mocked(ask).mockResolvedValue({})
  expect(await loader()).toBeUndefined()
  settings['Resonance.Describe.LastUsed'] = JSON.stringify(found)
  expect(await loader()).toEqual(found)
  Object.assign(settings, { 'Resonance.Describe.Model': 'a.gguf', 'Resonance.Describe.Projector': 'm.gguf' })
  expect((await loader())!.nodes['llm']!.inputs).toEqual({ model: 'a.gguf', mmproj: 'm.gguf' })
})
