import { describe, expect, it } from 'vitest'
import { BLANK, type Canvas, EMPTY, type Rect, type Region } from '../src/canvas/canvas'
import {
  add,
  align,
  distribute,
  duplicate,
  extract,
  nudge,
  paste,
  remove,
  reorder,
  setGlobalPrefixes,
  stretch,
  toggle,
} from '../src/canvas/commands'

const part = (name: string, rect: Rect, more: Partial<Region> = {}): Region => ({
  ...EMPTY,
  rect,
  name,
  prefixes: ['G', name],
  ...more,
})
const canvas = (...regions: Region[]): Canvas => ({
  regions: [{ ...EMPTY, prefixes: ['G'] }, ...regions],
  origin: 'abc',
})
const A = part('a', [0, 10, 0, 10])
const B = part('b', [20, 40, 20, 40])
const C = part('c', [50, 60, 70, 90])
const LOCKED = part('locked', [30, 50, 30, 50], { locked: true })
const names = (found: Canvas): string =>
  found.regions
    .slice(1)
    .map(({ name }) => name)
    .join('')
const rects = (found: Canvas): readonly Rect[] => found.regions.slice(1).map(({ rect }) => rect)

describe('add', () => {
  it('begins with the global prefixes and gives colors in turn', () => {
    let now: Canvas = canvas()
    for (let i = 0; i < 10; i++) now = add(now, [0, 5, 0, 5]).canvas
    expect(new Set(now.regions.map(({ color }) => String(color))).size).toBe(11)
    expect(now.regions[3]?.prefixes).toEqual(['G'])
    expect(add(now, [0, 5, 0, 5]).selected).toEqual([11])
  })
})

describe('remove', () => {
  it('spares what is locked and the global region, and selects what takes the place', () => {
    const found = remove(canvas(A, LOCKED, B), [0, 1, 2])
    expect(names(found.canvas)).toBe('lockedb')
    expect(found.selected).toEqual([1])
  })
  it('changes nothing where nothing can go', () => {
    const before = canvas(LOCKED)
    expect(remove(before, [0, 1]).canvas).toBe(before)
  })
})

describe('duplicate', () => {
  it('puts copies in front, off by five cells, inwards at the border', () => {
    const found = duplicate(canvas(A, C, B), [2, 1])
    expect(names(found.canvas)).toBe('acbac')
    expect(rects(found.canvas).slice(3)).toEqual([
      [5, 15, 0, 10],
      [55, 65, 70, 90],
    ])
    expect(found.selected).toEqual([4, 5])
  })
  it('gives a copy of a locked region that can be moved', () => {
    expect(duplicate(canvas(LOCKED), [1]).canvas.regions[2]?.locked).toBe(false)
  })
})

describe('move and resize by cells', () => {
  it('keeps all together at the border, and what is locked in place', () => {
    expect(rects(nudge(canvas(A, LOCKED, B), [1, 2, 3], -5, 5).canvas)).toEqual([
      [0, 10, 5, 15],
      [30, 50, 30, 50],
      [20, 40, 25, 45],
    ])
    expect(rects(stretch(canvas(A, LOCKED), [1, 2], -20, 5).canvas)).toEqual([
      [0, 1, 0, 15],
      [30, 50, 30, 50],
    ])
  })
})

describe('align and distribute', () => {
  it('takes the bounds of the selection, or the picture for one', () => {
    expect(rects(align(canvas(A, B, C), [1, 2, 3], 'right').canvas).map((rect) => rect[3])).toEqual([90, 90, 90])
    expect(rects(align(canvas(A, B), [1, 2], 'middle').canvas)).toEqual([
      [15, 25, 0, 10],
      [10, 30, 20, 40],
    ])
    expect(rects(align(canvas(B), [1], 'center').canvas)).toEqual([[20, 40, 35, 55]])
  })
  it('makes the gaps equal', () => {
    const found = rects(distribute(canvas(A, B, C), [1, 2, 3], 'horizontally').canvas)
    expect(found.map(([, , left, right]) => [left, right])).toEqual([
      [0, 10],
      [30, 50],
      [70, 90],
    ])
  })
  it('gives the same canvas where all is in place', () => {
    const before = canvas(A, B)
    expect(align(before, [1], 'left').canvas).toBe(before)
  })
  it('leaves two alone', () => {
    const before = canvas(A, B)
    expect(distribute(before, [1, 2], 'vertically').canvas).toBe(before)
  })
})

describe('reorder', () => {
  const all = canvas(A, B, C)
  it.each([
    ['front', [1], 'bca', [3]],
    ['back', [3], 'cab', [1]],
    ['up', [1], 'bac', [2]],
    ['down', [3], 'acb', [2]],
    ['up', [2, 1], 'cab', [3, 2]],
    [2, [3], 'acb', [2]],
    [3, [1], 'bca', [3]],
  ] as const)('%s of %j', (to, selected, wanted, then) => {
    const found = reorder(all, selected, to)
    expect([names(found.canvas), found.selected]).toEqual([wanted, then])
  })
  it('gives the same canvas at the end', () => {
    expect(reorder(all, [3], 'front').canvas).toBe(all)
    expect(reorder(all, [0], 'front').canvas).toBe(all)
  })
})

it('toggle locks all, and unlocks where all are locked', () => {
  const once = toggle(canvas(A, LOCKED), [1, 2], 'locked').canvas
  expect(once.regions.map(({ locked }) => locked)).toEqual([false, true, true])
  expect(toggle(once, [1, 2], 'locked').canvas.regions.some(({ locked }) => locked)).toBe(false)
})

describe('paste', () => {
  it('exchanges the shared prefixes, and keeps places that are free', () => {
    const other: Canvas = { regions: [{ ...EMPTY, prefixes: ['X', 'Y'] }, A], origin: '' }
    const found = paste(other, extract(canvas(B, C), [2]))
    expect(found.canvas.regions[2]?.prefixes).toEqual(['X', 'Y', 'c'])
    expect(found.canvas.regions[2]?.rect).toEqual(C.rect)
    expect(found.selected).toEqual([2])
  })
  it('goes aside where a region is already', () => {
    expect(rects(paste(canvas(B), extract(canvas(B), [1])).canvas)[1]).toEqual([25, 45, 25, 45])
  })
  it('leaves the digest of what is copied behind', () => {
    expect(extract(canvas(B), [1]).origin).toBe('')
  })
})

it('setGlobalPrefixes takes those along that begin with the old ones', () => {
  const free = part('free', [0, 5, 0, 5], { prefixes: ['other'] })
  const found = setGlobalPrefixes(canvas(A, free), ['H', 'I'])
  expect(found.regions.map(({ prefixes }) => prefixes)).toEqual([['H', 'I'], ['H', 'I', 'a'], ['other']])
  expect(setGlobalPrefixes(BLANK, ['H']).regions[0].prefixes).toEqual(['H'])
})
