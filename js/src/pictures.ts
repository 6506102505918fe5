// Pictures that the editor of a node can be asked to show.

import { type Pictures } from './canvas/background'
import { type LGraphNode, outputOf, type Picture, viewUrl } from './comfy'
import { heats, lastPicture } from './outputs'
import { isLinked, widgetOf } from './effective'

/** Names of files that are for us; everything else is ComfyUI's. The server says what is a picture there. */
export const PICTURE = /\.(png|jpe?g|jpe|jfif|webp|bmp|gif|tiff?|avif|jxl|hei[cf])$/i

export function picturesOf(node: LGraphNode): Pictures {
  return {
    connected: () => address(connected(node)),
    last: () => address(lastPicture()),
    heats: () =>
      heats().map(({ picture, maps, names }) => ({ picture: viewUrl(picture), maps: maps.map(viewUrl), names })),
  }
}

function address(picture: Picture | undefined): string | null {
  return picture ? viewUrl(picture) : null
}

/** The file of a connected Load Image, which can be newer than the last run; else what that run saw. */
function connected(node: LGraphNode): Picture | undefined {
  if (!isLinked(node, 'image')) return undefined
  const link = node.inputs?.find(({ name }) => name === 'image')?.link
  const origin = node.graph?.getNodeById(node.graph.getLink?.(link ?? -1)?.origin_id ?? -1)
  const file = origin?.type === 'LoadImage' && !isLinked(origin, 'image') && widgetOf(origin, 'image')?.value
  return file ? inputFile(String(file)) : (outputOf(node)?.['resonance_background'] as Picture[] | undefined)?.[0]
}

/** A file as Load Image names it: `folder/name.png [temp]`. */
export function inputFile(value: string): Picture {
  const [, path = value, type = 'input'] = /^(.*?)(?: \[(\w+)\])?$/.exec(value) ?? []
  const end = path.lastIndexOf('/')
  return { filename: path.slice(end + 1), subfolder: path.slice(0, Math.max(end, 0)), type }
}
