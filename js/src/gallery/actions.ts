// What can be done with a picture outside the gallery.

import { addNode, app, captureUndo, selectedNodes, viewUrl, type LGraphNode, type Picture } from '../comfy'
import { t } from '../i18n'
import { type Carried } from './server'

const LOADER = 'LoadImage'

/** Puts the picture into the Load Image that is selected, else into the only one that takes it, else into a new one. */
export function sendToLoadImage({ subfolder, filename, type }: Picture): void {
  const isLoader = ({ type, inputs = [] }: LGraphNode): boolean =>
    type === LOADER && !inputs.some(({ name, link }) => name === 'image' && link != null)
  const loaders = (app.canvas.graph ?? app.graph).nodes.filter(isLoader)
  const node = selectedNodes().find(isLoader) ?? (loaders.length === 1 ? loaders[0] : undefined) ?? addNode(LOADER)
  const widget = node?.widgets?.find(({ name }) => name === 'image')
  if (!widget) throw new Error(t('gallery.no_loader'))
  const value = `${subfolder}/${filename} [${type}]`
  const { values } = widget.options
  if (Array.isArray(values) && !values.includes(value)) values.push(value)
  widget.value = value
  widget.callback?.(value)
  captureUndo()
}

/** Opens the workflow that the picture was saved with. What ComfyUI does not read itself, `carried` asks the server for. */
export async function loadWorkflow(picture: Picture, carried: () => Promise<Carried>): Promise<void> {
  if (!picture.filename.endsWith('.png')) {
    const { workflow, prompt } = await carried()
    const graph = workflow ?? prompt
    if (!graph) throw new Error(t('gallery.no_workflow'))
    return await app.handleFile(new File([graph], `${picture.filename}.json`, { type: 'application/json' }))
  }
  const answer = await fetch(viewUrl(picture))
  if (!answer.ok) throw new Error(`${picture.filename}: ${answer.status} ${answer.statusText}`)
  const data = await answer.arrayBuffer()
  // ComfyUI would put a picture without one into a new Load Image.
  if (!hasGraph(data)) throw new Error(t('gallery.no_workflow'))
  await app.handleFile(new File([data], picture.filename, { type: 'image/png' }))
}

/** Whether a PNG has a workflow or a prompt among its texts. kohya's scripts write words as `prompt`, which is no graph. */
export function hasGraph(png: ArrayBuffer): boolean {
  const view = new DataView(png)
  const text = (start: number, length: number): string => String.fromCharCode(...new Uint8Array(png, start, length))
  for (let at = 8; at + 20 <= png.byteLength; at += view.getUint32(at) + 12) {
    const isText = /tEXt|iTXt/.test(text(at + 4, 4))
    if (isText && /^(workflow\0|prompt\0(\0{4})?\s*\{)/.test(text(at + 8, Math.min(24, png.byteLength - at - 8))))
      return true
  }
  return false
}
