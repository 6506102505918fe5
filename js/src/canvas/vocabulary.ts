// The words that models place regions with, and what they mean on the grid: the tables of resonance/canvas/vocabulary.py.

import { type Color, GRID, type Rect } from './canvas'
import tables from './vocabulary.json'

export type Slot = 'location' | 'offset' | 'area'
export type Words = Readonly<Record<Slot, string>>

type Pairs = Readonly<Record<string, readonly number[]>>

export const COLORS = tables.colors as unknown as Readonly<Record<string, Color>>

const PAIRS: Readonly<Record<Slot, Pairs>> = {
  location: tables.locations,
  offset: tables.offsets,
  area: tables.areas,
}

/** What can stand in each of the three places. */
export const CHOICES: Readonly<Record<Slot, readonly string[]>> = {
  location: Object.keys(PAIRS.location),
  offset: Object.keys(PAIRS.offset),
  area: Object.keys(PAIRS.area),
}

/** The cells that three words mean. */
export function rectOf({ location, offset, area }: Words): Rect {
  const [x, y] = sum(PAIRS.location[location], PAIRS.offset[offset])
  const [width, height] = sum(PAIRS.area[area])
  const [down, across] = [Math.floor(height / 2), Math.floor(width / 2)]
  return [Math.max(y - down, 0), Math.min(y + down, GRID), Math.max(x - across, 0), Math.min(x + across, GRID)]
}

/** The words that mean exactly this rectangle, those without offset if there are several; null if there are none. */
export function wordsOf(rect: Rect): Words | null {
  return all().get(String(rect)) ?? null
}

/** The words for the rectangle whose edges are nearest. */
export function nearestWords(rect: Rect): Words {
  let [nearest, least] = [{ location: '', offset: '', area: '' }, Infinity]
  for (const words of all().values()) {
    const distance = rectOf(words).reduce((far, edge, i) => far + (edge - (rect[i] ?? 0)) ** 2, 0)
    if (distance < least) [nearest, least] = [words, distance]
  }
  return nearest
}

let found: ReadonlyMap<string, Words> | undefined

function all(): ReadonlyMap<string, Words> {
  if (found) return found
  const words = new Map<string, Words>()
  for (const offset of CHOICES.offset)
    for (const location of CHOICES.location)
      for (const area of CHOICES.area) {
        const key = String(rectOf({ location, offset, area }))
        if (!words.has(key)) words.set(key, { location, offset, area })
      }
  return (found = words)
}

function sum(...pairs: (readonly number[] | undefined)[]): [x: number, y: number] {
  return [0, 1].map((i) => pairs.reduce((total, pair) => total + (pair?.[i] ?? 0), 0)) as [number, number]
}
