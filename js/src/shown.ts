// Pictures that a node shows, whoever made it.

import { type LGraphNode, outputOf, type Picture, previewsOf } from './comfy'
import { images } from './outputs'

/** Pictures that the server knows, else addresses of what only the page has; of a subgraph, those inside it. */
export function shownOn(node: LGraphNode): readonly (Picture | string)[] {
  const known = images(outputOf(node) ?? {})
  if (known.length) return known
  const seen = [...previewsOf(node), ...(node.imgs ?? []).map(({ src }) => src)]
  if (seen.length) return seen.map((address) => pictureAt(address) ?? address)
  return node.subgraph?.nodes.flatMap(shownOn) ?? []
}

/** The picture behind an address of ComfyUI's `/view`. */
function pictureAt(address: string): Picture | undefined {
  const { pathname, searchParams, origin } = new URL(address, location.href)
  const filename = searchParams.get('filename')
  if (origin !== location.origin || !pathname.endsWith('/view') || !filename) return undefined
  return { filename, subfolder: searchParams.get('subfolder') ?? '', type: searchParams.get('type') ?? 'output' }
}
