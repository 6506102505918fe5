// The few nodes that describe a picture, in API form.

import { type ApiGraph, ask, inputsOf, type Picture, type Run } from '../comfy'
import { ADDRESS, LAST, LAST_USED, MODEL, PROJECTOR, SERVER, setting, TAGGER } from '../settings'

export type Kind = 'tags' | 'caption'

/** Runs of the history in which the language model is looked for. */
const RECENT = 20

export const PICTURE = 'picture'
export const DESCRIBE = 'describe'
export const SHOW = 'show'

/** The nodes that make a language model, and the link to it. */
export interface Loader {
  readonly nodes: ApiGraph
  readonly llm: readonly [node: string, output: number]
}

export function tagging(picture: Picture): ApiGraph {
  return {
    ...around(picture),
    tagger: withDefaults('ResonanceLoadTagger', { model: setting(TAGGER), download: false }),
    [DESCRIBE]: withDefaults('ResonanceTagImages', { tagger: ['tagger', 0], images: [PICTURE, 0] }),
  }
}

export function captioning(picture: Picture, { nodes, llm }: Loader): ApiGraph {
  const describe = withDefaults('ResonanceCaptionImages', { llm, images: [PICTURE, 0] })
  return { ...around(picture), ...nodes, [DESCRIBE]: describe }
}

function around(picture: Picture): ApiGraph {
  return {
    [PICTURE]: { class_type: 'LoadImage', inputs: { image: pathOf(picture) } },
    [SHOW]: { class_type: 'PreviewAny', inputs: { source: [DESCRIBE, 0] } },
  }
}

/** A picture as Load Image names it: `folder/name.png [temp]`. */
export function pathOf({ filename, subfolder, type }: Picture): string {
  const path = subfolder ? `${subfolder}/${filename}` : filename
  return / \[\w+\]$/.test(path) ? path : `${path} [${type}]`
}

/** The language model of the settings; undefined if it is the last one used, and there was none. */
export async function loader(): Promise<Loader | undefined> {
  const model = setting<string>(MODEL)
  const alone = (type: string, inputs: Record<string, unknown>): Loader => ({
    nodes: { llm: withDefaults(type, inputs) },
    llm: ['llm', 0],
  })
  if (model === SERVER) return alone('ResonanceConnectLLM', { address: setting(ADDRESS) })
  if (model !== LAST) return alone('ResonanceLoadLLM', { model, mmproj: setting(PROJECTOR) })
  const history = await ask<Record<string, Run>>(`/history?max_items=${RECENT}`)
  const used = Object.values(history)
    .map((run) => loaderOf(run.prompt[2] as ApiGraph))
    .filter((found) => found !== undefined)
    .at(-1)
  const kept = setting<string>(LAST_USED)
  return used ?? (kept ? (JSON.parse(kept) as Loader) : undefined)
}

/** What made the language model of a graph's Caption Images. */
function loaderOf(graph: ApiGraph): Loader | undefined {
  const captioner = Object.values(graph).find((node) => node.class_type === 'ResonanceCaptionImages')
  const llm = captioner?.inputs['llm']
  if (!isLink(llm)) return undefined
  const nodes: ApiGraph = {}
  const waiting = [llm[0]]
  for (const id of waiting) {
    const node = graph[id]
    if (!node || nodes[id]) continue
    nodes[id] = { class_type: node.class_type, inputs: node.inputs }
    waiting.push(...Object.values(node.inputs).flatMap((value) => (isLink(value) ? [value[0]] : [])))
  }
  return { nodes, llm }
}

function isLink(value: unknown): value is readonly [string, number] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number'
}

function withDefaults(type: string, given: Record<string, unknown>): ApiGraph[string] {
  const inputs: Record<string, unknown> = {}
  for (const [name, [, options]] of Object.entries(inputsOf(type))) {
    const [first] = (options?.['options'] ?? []) as unknown[]
    inputs[name] = given[name] ?? options?.['default'] ?? first
  }
  return { class_type: type, inputs }
}
