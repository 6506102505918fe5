// What can be done with a picture outside the gallery.

import { addNode, app, captureUndo, selectedNodes, viewUrl, type LGraphNode, type Picture } from '../comfy'
import { t } from '../i18n'

const LOADER = 'LoadImage'

/** Puts the picture into the Load Image that is selected, else into the only one, else into a new one. */
export function sendToLoadImage({ subfolder, filename, type }: Picture): void {
  const isLoader = (node: LGraphNode): boolean => node.type === LOADER
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

/** Opens the workflow that the picture was saved with. */
export async function loadWorkflow(picture: Picture): Promise<void> {
  const answer = await fetch(viewUrl(picture))
  if (!answer.ok) throw new Error(`${picture.filename}: ${answer.status} ${answer.statusText}`)
  await app.handleFile(new File([await answer.blob()], picture.filename, { type: 'image/png' }))
}

/** Copies a text; false where the page may not, as on one that came over plain HTTP from another machine. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
