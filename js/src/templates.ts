// Templates that look at pictures name some of ours. Load Image reads ComfyUI's input folder, so they are put there when such a
// template is opened.

import { api, type LGraphNode, upload, type Workflow } from './comfy'

const OURS = /^resonance-[a-z]+\.jpg$/

/** Puts what a workflow names of our pictures into the input folder. What is there already, ComfyUI keeps. */
export async function bring({ nodes = [] }: Workflow): Promise<void> {
  const [, pack] = /\/extensions\/([^/]+)\//.exec(import.meta.url) ?? []
  const names = nodes.map(({ type, widgets_values }) => (type === 'LoadImage' ? String(widgets_values?.[0]) : ''))
  for (const name of new Set(names.filter((name) => OURS.test(name)))) {
    const answer = await api.fetchApi(`/workflow_templates/${pack}/pictures/${name}`)
    if (answer.ok) await upload(await answer.blob(), name)
  }
}

/** Adds such a picture to the list of a Load Image, which was made when the page was opened. */
export function list(node: LGraphNode): void {
  const image = node.widgets?.find(({ name }) => name === 'image')
  const files = image?.options['values']
  if (Array.isArray(files) && OURS.test(String(image?.value)) && !files.includes(image?.value)) files.push(image?.value)
}
