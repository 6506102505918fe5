// Which canvas a Canvas node stands for: its text, or what is connected. resonance/canvas/edits.py decides the same way.

import { BLANK, type Canvas, read, readList, REGIONS } from './canvas/canvas'
import { ask, type LGraphNode, outputOf, type Widget } from './comfy'
import { t } from './i18n'

export interface Effective {
  readonly text: string
  /** Null where the text is no canvas. */
  readonly canvas: Canvas | null
  /** Why it is none. */
  readonly problem: string
  /** What else there is to say. */
  readonly note: string
  /** Digest of what is connected, for the text to count; empty if nothing is, or if it is not known yet. */
  readonly origin: string
}

export function widgetOf(node: LGraphNode, name: string): Widget | undefined {
  return node.widgets?.find((widget) => widget.name === name)
}

export function textOf(node: LGraphNode): string {
  return String(widgetOf(node, 'canvas_text')?.value ?? '')
}

export function isLinked(node: LGraphNode, name: string): boolean {
  return node.inputs?.some((input) => input.name === name && input.link != null) ?? false
}

/** Whether the node starts from another canvas or from boxes. */
export function hasUpstream(node: LGraphNode): boolean {
  return isLinked(node, 'canvas') || isLinked(node, 'boxes')
}

/** Width and height of the picture: of the connected image, once it is known, before the widgets. */
export function sizeOf(node: LGraphNode): readonly [number, number] {
  const run = outputOf(node)?.['resonance_size'] as [number, number] | undefined
  if (run && ['image', 'width', 'height'].some((name) => isLinked(node, name))) return run
  return [Number(widgetOf(node, 'width')?.value ?? 1), Number(widgetOf(node, 'height')?.value ?? 1)]
}

/** What the node holds. `patience` is waited for before the server is asked, which reads what is no JSON list. */
export async function effectiveOf(node: LGraphNode, patience: () => Promise<void>): Promise<Effective> {
  const output = outputOf(node)
  if (isLinked(node, 'canvas_text')) {
    const shown = stored(output?.['resonance_canvas'])
    return { text: '', canvas: shown ?? BLANK, problem: '', note: t('node.text_connected'), origin: '' }
  }
  const text = textOf(node)
  const connected = hasUpstream(node)
  const upstream = connected ? stored(output?.['resonance_upstream']) : null
  const origin = upstream ? String((output?.['resonance_from'] as string[])[0]) : ''
  const unknown = connected && !upstream ? t('node.run_first') : ''
  if (!text.trim()) return { text, canvas: upstream ?? BLANK, problem: '', note: unknown, origin }
  try {
    const { canvas, notes } = await understand(text, sizeOf(node), patience)
    if (upstream && canvas.origin !== origin)
      return { text, canvas: upstream, problem: '', note: t('node.outdated'), origin }
    return { text, canvas, problem: '', note: unknown || notes.join(' '), origin }
  } catch (error) {
    return { text, canvas: null, problem: (error as Error).message, note: '', origin }
  }
}

interface Understood {
  readonly canvas: Canvas
  readonly notes: readonly string[]
}

async function understand(
  text: string,
  [width, height]: readonly [number, number],
  patience: () => Promise<void>,
): Promise<Understood> {
  const canvas = plainList(text)
  if (canvas) return { canvas, notes: [] }
  await patience()
  const body = { text, width, height }
  const { regions, notes } = await ask<{ regions: unknown[]; notes: string[] }>('/resonance/canvas/read', body)
  return { canvas: readList(regions), notes: notes.map((note) => t('node.note', { note })) }
}

/** A canvas that the server would read no other way. What it says of all else is what a run would say. */
function plainList(text: string): Canvas | null {
  if (!/^\s*\[/.test(text)) return null
  try {
    const canvas = read(text)
    // With these keys it can be a list that a model has answered.
    const isAnswer = canvas.regions.some(({ extra }) => 'description' in extra || 'location' in extra)
    return isAnswer || canvas.regions.length > REGIONS ? null : canvas
  } catch {
    return null
  }
}

/** The canvas that a node has put out. */
export function stored(output: unknown): Canvas | null {
  const text = (output as string[] | undefined)?.[0]
  return text ? read(text) : null
}
