import { describe, expect, it } from 'vitest'
import { between, bounds, HANDLES, move, overlap, resize, snap } from '../src/canvas/geometry'
import { type Rect } from '../src/canvas/canvas'

const RECT: Rect = [10, 40, 20, 50]

describe('snap', () => {
  it('gives multiples of the step inside the grid', () => {
    expect([snap(7.4, 5), snap(7.6, 5), snap(7.4, 1), snap(-3, 5), snap(93, 5)]).toEqual([5, 10, 7, 0, 90])
  })
})

describe('move', () => {
  it('snaps the corner of the region that leads, and keeps the others at their distance', () => {
    expect(move([[3, 13, 4, 14], RECT], [3, 13, 4, 14], { x: 9, y: 9 }, 5)).toEqual([
      [10, 20, 15, 25],
      [17, 47, 31, 61],
    ])
  })
  it('leaves an axis alone that the pointer did not move along', () => {
    expect(move([[3, 13, 4, 14]], [3, 13, 4, 14], { x: 9, y: 0.2 }, 5)).toEqual([[3, 13, 15, 25]])
  })
  it('stops at the border for all', () => {
    expect(move([RECT, [50, 60, 70, 85]], RECT, { x: 30, y: -80 }, 1)).toEqual([
      [0, 30, 25, 55],
      [40, 50, 75, 90],
    ])
  })
})

describe('resize', () => {
  it('moves the edges of each handle and no others', () => {
    for (const handle of HANDLES) {
      const [top, bottom, left, right] = resize(RECT, handle, { x: 5, y: 5 }, 5)
      expect([top !== 10, bottom !== 40, left !== 20, right !== 50]).toEqual(
        ['n', 's', 'w', 'e'].map((side) => handle.includes(side)),
      )
    }
  })
  it('leaves a cell, and stays on the grid', () => {
    expect(resize(RECT, 'nw', { x: 80, y: 80 }, 5)).toEqual([39, 40, 49, 50])
    expect(resize(RECT, 'se', { x: 80, y: -80 }, 5)).toEqual([10, 11, 20, 90])
  })
})

describe('between', () => {
  it('takes the corners in any order', () => {
    expect(between({ x: 31, y: 42 }, { x: 12, y: 9 }, 5)).toEqual([10, 40, 10, 30])
  })
  it('is a step wide at least, even at the border', () => {
    expect(between({ x: 95, y: 1 }, { x: 96, y: 1 }, 5)).toEqual([0, 5, 85, 90])
  })
})

it('bounds hold all, and only what shares cells overlaps', () => {
  expect(bounds([RECT, [5, 6, 60, 70]])).toEqual([5, 40, 20, 70])
  expect(overlap(RECT, [40, 50, 20, 50])).toBe(false)
  expect(overlap(RECT, [39, 50, 49, 60])).toBe(true)
})
