import { describe, expect, it, vi } from 'vitest'

vi.mock('../src/comfy', () => ({ app: {}, ask: vi.fn() }))

import { colorName, readColor } from '../src/canvas/color'
import { CHOICES, COLORS, nearestWords, rectOf, wordsOf } from '../src/canvas/vocabulary'

describe('the words for places', () => {
  it('mean the rectangles that they mean to Omost', () => {
    const rect = (location: string, offset: string, area: string) => rectOf({ location, offset, area })
    expect(rect('on the right', 'slightly to the upper', 'a small vertical area')).toEqual([5, 65, 55, 90])
    expect(rect('in the center', 'no offset', 'a medium-sized square area')).toEqual([15, 75, 15, 75])
    expect(rect('on the top-left', 'slightly to the upper-left', 'a large horizontal area')).toEqual([0, 35, 0, 50])
    expect(rect('on the bottom', 'slightly to the lower-right', 'a medium-sized vertical area')).toEqual([
      45, 90, 30, 80,
    ])
  })

  it('are found for each of the 729 rectangles, and for no other', () => {
    for (const location of CHOICES.location)
      for (const offset of CHOICES.offset)
        for (const area of CHOICES.area) {
          const rect = rectOf({ location, offset, area })
          const words = wordsOf(rect)
          expect(words && rectOf(words)).toEqual(rect)
          expect(rectOf(nearestWords(rect))).toEqual(rect)
        }
    expect(wordsOf([1, 2, 3, 4])).toBeNull()
    expect(wordsOf([15, 75, 15, 75])?.offset).toBe('no offset')
  })

  it('are those of the nearest rectangle where none fits', () => {
    expect(nearestWords([14, 74, 16, 75])).toEqual({
      location: 'in the center',
      offset: 'no offset',
      area: 'a medium-sized square area',
    })
  })
})

describe('colors', () => {
  it('are CSS names and hexadecimal', () => {
    expect(Object.keys(COLORS)).toHaveLength(149)
    expect(readColor(' RebeccaPurple ')).toEqual([102, 51, 153])
    expect(readColor('#0f8')).toEqual([0, 255, 136])
    expect(readColor('00FF88')).toEqual([0, 255, 136])
    for (const text of ['', 'redd', '#12', '#12345', 'toString', '#12345g']) expect(readColor(text)).toBeNull()
  })

  it('are called by their name, else by their number', () => {
    expect(colorName([102, 51, 153])).toBe('rebeccapurple')
    expect(colorName([1, 2, 3])).toBe('#010203')
  })
})
