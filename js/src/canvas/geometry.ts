// Rectangles on the grid. All of it is pure, and every result is a rectangle that a canvas may hold.

import { GRID, type Rect } from './canvas'

export const HANDLES = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'] as const
/** An edge or a corner, as on a map. */
export type Handle = (typeof HANDLES)[number]

export interface Point {
  readonly x: number
  readonly y: number
}

/** The nearest line of the grid that is a multiple of `step`. */
export function snap(value: number, step: number): number {
  return clamp(Math.round(value / step) * step, 0, GRID)
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

/** The smallest rectangle that holds them all. */
export function bounds(rects: readonly Rect[]): Rect {
  return [
    Math.min(...rects.map((rect) => rect[0])),
    Math.max(...rects.map((rect) => rect[1])),
    Math.min(...rects.map((rect) => rect[2])),
    Math.max(...rects.map((rect) => rect[3])),
  ]
}

/** Moved by whole cells. */
export function shift([top, bottom, left, right]: Rect, down: number, across: number): Rect {
  return [top + down, bottom + down, left + across, right + across]
}

/** How far rectangles can go together without leaving the grid. */
export function reach(rects: readonly Rect[], down: number, across: number): readonly [down: number, across: number] {
  const [top, bottom, left, right] = bounds(rects)
  return [clamp(down, -top, GRID - bottom), clamp(across, -left, GRID - right)]
}

/** Moves rectangles together by a distance in cells; the upper left corner of `lead` snaps. */
export function move(rects: readonly Rect[], lead: Rect, by: Point, step: number): readonly Rect[] {
  const snapped = (edge: number, distance: number): number =>
    Math.abs(distance) < 0.5 ? 0 : snap(edge + distance, step) - edge
  const [down, across] = reach(rects, snapped(lead[0], by.y), snapped(lead[2], by.x))
  return rects.map((rect) => shift(rect, down, across))
}

/** Moves the edges that a handle holds by a distance in cells. They snap, and stop a cell before the opposite edge. */
export function resize([top, bottom, left, right]: Rect, handle: Handle, by: Point, step: number): Rect {
  const snapped = (edge: number, distance: number): number =>
    Math.abs(distance) < 0.5 ? edge : snap(edge + distance, step)
  return [
    handle.includes('n') ? Math.min(snapped(top, by.y), bottom - 1) : top,
    handle.includes('s') ? Math.max(snapped(bottom, by.y), top + 1) : bottom,
    handle.includes('w') ? Math.min(snapped(left, by.x), right - 1) : left,
    handle.includes('e') ? Math.max(snapped(right, by.x), left + 1) : right,
  ]
}

/** The rectangle between two points, at least a step wide and high. */
export function between(from: Point, to: Point, step: number): Rect {
  const range = (start: number, end: number): readonly [number, number] => {
    const low = Math.min(snap(Math.min(start, end), step), GRID - step)
    return [low, Math.max(snap(Math.max(start, end), step), low + step)]
  }
  return [...range(from.y, to.y), ...range(from.x, to.x)]
}

export function overlap(one: Rect, other: Rect): boolean {
  return one[0] < other[1] && other[0] < one[1] && one[2] < other[3] && other[2] < one[3]
}
