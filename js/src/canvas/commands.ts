// What can be done to a canvas and its selection. Pure: each command gives the canvas and the selection that follow.

import { type Canvas, type Color, EMPTY, ownPrefixes, type Rect, type Region, WHOLE } from './canvas'
import { bounds, reach, resize, shift } from './geometry'

export interface Result {
  readonly canvas: Canvas
  readonly selected: readonly number[]
}
export type Command = (canvas: Canvas, selected: readonly number[]) => Result
export type Edge = 'left' | 'center' | 'right' | 'top' | 'middle' | 'bottom'
export type Place = 'front' | 'back' | 'up' | 'down' | number

const COLORS: readonly Color[] = [
  [88, 166, 255],
  [255, 166, 87],
  [126, 211, 102],
  [247, 120, 186],
  [188, 140, 255],
  [242, 204, 96],
  [86, 212, 221],
  [255, 123, 114],
  [170, 190, 110],
  [150, 150, 240],
]
const OFFSET = 5

/** The selected regions without the global one, far to near. */
export function locals(selected: readonly number[]): number[] {
  return selected.filter((number) => number > 0).sort((one, other) => one - other)
}

/** Those of the selected regions that can be moved. */
export function movable(canvas: Canvas, selected: readonly number[]): number[] {
  return locals(selected).filter((number) => !canvas.regions[number]?.locked)
}

/** Changes some regions. What stays as it was stays the same object, and so does a canvas that stays as it was. */
export function change(
  canvas: Canvas,
  numbers: readonly number[],
  changed: (region: Region, number: number) => Partial<Region>,
): Canvas {
  const regions = canvas.regions.map((region, number) => {
    if (!numbers.includes(number)) return region
    const next = { ...region, ...changed(region, number) }
    const keys = Object.keys(next) as (keyof Region)[]
    const same = keys.every(
      (key) => next[key] === region[key] || JSON.stringify(next[key]) === JSON.stringify(region[key]),
    )
    return same ? region : next
  })
  if (regions.every((region, number) => region === canvas.regions[number])) return canvas
  return { ...canvas, regions: regions as unknown as Canvas['regions'] }
}

export function setRects(canvas: Canvas, rects: ReadonlyMap<number, Rect>): Canvas {
  return change(canvas, [...rects.keys()], (region, number) => ({ rect: rects.get(number) ?? region.rect }))
}

/** A new region in front. It begins as every region does, and has the color that was used least. */
export function add(canvas: Canvas, rect: Rect): Result {
  const uses = COLORS.map((color) => canvas.regions.filter((region) => String(region.color) === String(color)).length)
  const color = COLORS[uses.indexOf(Math.min(...uses))] ?? EMPTY.color
  return append(canvas, [{ ...EMPTY, rect, color, prefixes: canvas.regions[0].prefixes }])
}

export function remove(canvas: Canvas, selected: readonly number[]): Result {
  const gone = movable(canvas, selected)
  if (!gone.length) return { canvas, selected }
  const [first, ...others] = canvas.regions
  const regions: Canvas['regions'] = [first, ...others.filter((_, i) => !gone.includes(i + 1))]
  const next = Math.min(gone[0] ?? 0, regions.length - 1)
  return { canvas: { ...canvas, regions }, selected: [next] }
}

/** Copies in front, a little off. They can be moved even if what they come from cannot. */
export function duplicate(canvas: Canvas, selected: readonly number[]): Result {
  const copies = locals(selected).flatMap((number) => canvas.regions[number] ?? [])
  return append(canvas, aside(copies))
}

/** The regions of another canvas, in front. What they shared with its global region they now share with ours. */
export function paste(canvas: Canvas, pasted: Canvas): Result {
  const taken = (region: Region): boolean => canvas.regions.some(({ rect }) => String(rect) === String(region.rect))
  const regions = pasted.regions.slice(1).map((region) => ({
    ...region,
    prefixes: [...canvas.regions[0].prefixes, ...ownPrefixes(pasted, region)],
  }))
  return append(canvas, regions.some(taken) ? aside(regions) : regions)
}

/** The selected regions as a canvas of their own. */
export function extract(canvas: Canvas, selected: readonly number[]): Canvas {
  const regions = locals(selected).flatMap((number) => canvas.regions[number] ?? [])
  return { regions: [canvas.regions[0], ...regions], origin: '' }
}

/** Moves by whole cells, all by as much as the one that first meets the border. */
export function nudge(canvas: Canvas, selected: readonly number[], down: number, across: number): Result {
  const numbers = movable(canvas, selected)
  const [y, x] = reach(rectsOf(canvas, numbers), down, across)
  if (!numbers.length || (!x && !y)) return { canvas, selected }
  return { canvas: change(canvas, numbers, ({ rect }) => ({ rect: shift(rect, y, x) })), selected }
}

/** Moves the lower and the right edge by whole cells. */
export function stretch(canvas: Canvas, selected: readonly number[], down: number, across: number): Result {
  const numbers = movable(canvas, selected)
  if (!numbers.length) return { canvas, selected }
  const by = { x: across, y: down }
  return { canvas: change(canvas, numbers, ({ rect }) => ({ rect: resize(rect, 'se', by, 1) })), selected }
}

/** To the bounds of what is selected, or of the picture if that is one region. */
export function align(canvas: Canvas, selected: readonly number[], edge: Edge): Result {
  const numbers = locals(selected)
  const moved = movable(canvas, selected)
  if (!moved.length) return { canvas, selected }
  const [top, bottom, left, right] = numbers.length > 1 ? bounds(rectsOf(canvas, numbers)) : WHOLE
  const offset = ([t, b, l, r]: Rect): readonly [down: number, across: number] => {
    if (edge === 'left') return [0, left - l]
    if (edge === 'right') return [0, right - r]
    if (edge === 'center') return [0, Math.round((left + right - l - r) / 2)]
    if (edge === 'top') return [top - t, 0]
    if (edge === 'bottom') return [bottom - b, 0]
    return [Math.round((top + bottom - t - b) / 2), 0]
  }
  return { canvas: change(canvas, moved, ({ rect }) => ({ rect: shift(rect, ...offset(rect)) })), selected }
}

/** Equal gaps between three regions or more; the outermost stay. */
export function distribute(canvas: Canvas, selected: readonly number[], axis: 'horizontally' | 'vertically'): Result {
  const [low, high] = axis === 'vertically' ? ([0, 1] as const) : ([2, 3] as const)
  const boxes = locals(selected)
    .map((number) => ({ number, rect: canvas.regions[number]?.rect ?? WHOLE }))
    .sort((one, other) => one.rect[low] + one.rect[high] - other.rect[low] - other.rect[high])
  if (boxes.length < 3) return { canvas, selected }
  const edges = bounds(boxes.map(({ rect }) => rect))
  const filled = boxes.reduce((sum, { rect }) => sum + rect[high] - rect[low], 0)
  const gap = (edges[high] - edges[low] - filled) / (boxes.length - 1)
  let next = edges[low]
  const rects = new Map<number, Rect>()
  for (const { number, rect } of boxes) {
    const by = Math.round(next) - rect[low]
    if (!canvas.regions[number]?.locked)
      rects.set(number, axis === 'vertically' ? shift(rect, by, 0) : shift(rect, 0, by))
    next += rect[high] - rect[low] + gap
  }
  return { canvas: setRects(canvas, rects), selected }
}

/** What covers what. A number is the one that the farthest of the selected regions gets. */
export function reorder(canvas: Canvas, selected: readonly number[], to: Place): Result {
  const numbers = locals(selected)
  const [lowest, highest] = [numbers[0], numbers.at(-1)]
  if (lowest === undefined || highest === undefined) return { canvas, selected }
  const moved = numbers.flatMap((number) => canvas.regions[number] ?? [])
  const [first, ...others] = canvas.regions
  const rest = others.filter((_, i) => !numbers.includes(i + 1))
  const wanted =
    to === 'front'
      ? rest.length
      : to === 'back'
        ? 0
        : to === 'up'
          ? highest - moved.length + 1
          : to === 'down'
            ? lowest - 2
            : to - 1
  const at = Math.min(rest.length, Math.max(0, wanted))
  const regions: Canvas['regions'] = [first, ...rest.slice(0, at), ...moved, ...rest.slice(at)]
  const numbersNow = moved.map((_, i) => at + i + 1)
  if (regions.every((region, i) => region === canvas.regions[i])) return { canvas, selected }
  return {
    canvas: { ...canvas, regions },
    selected: selected.map((number) => numbersNow[numbers.indexOf(number)] ?? 0),
  }
}

/** Locks or hides what is selected; undoes that if all of it is so. */
export function toggle(canvas: Canvas, selected: readonly number[], key: 'locked' | 'hidden'): Result {
  const numbers = locals(selected)
  if (!numbers.length) return { canvas, selected }
  const value = !numbers.every((number) => canvas.regions[number]?.[key])
  return { canvas: change(canvas, numbers, () => ({ [key]: value })), selected }
}

/** Local regions whose prefixes begin with the old global ones follow. */
export function setGlobalPrefixes(canvas: Canvas, prefixes: readonly string[]): Canvas {
  const old = canvas.regions[0].prefixes
  return change(
    canvas,
    canvas.regions.flatMap(({ prefixes: own }, number) => (old.every((text, i) => own[i] === text) ? [number] : [])),
    (region) => ({ prefixes: [...prefixes, ...region.prefixes.slice(old.length)] }),
  )
}

function append(canvas: Canvas, regions: readonly Region[]): Result {
  const selected = regions.map((_, i) => canvas.regions.length + i)
  return { canvas: { ...canvas, regions: [...canvas.regions, ...regions] }, selected }
}

/** Off by a few cells, to the lower right where there is room. */
function aside(regions: readonly Region[]): Region[] {
  const rects = regions.map(({ rect }) => rect)
  if (!rects.length) return []
  const [down, across] = reach(rects, OFFSET, OFFSET)
  const [up, back] = reach(rects, -OFFSET, -OFFSET)
  return regions.map((region) => ({ ...region, locked: false, rect: shift(region.rect, down || up, across || back) }))
}

function rectsOf(canvas: Canvas, numbers: readonly number[]): Rect[] {
  return numbers.flatMap((number) => (canvas.regions[number] ? [canvas.regions[number].rect] : []))
}
