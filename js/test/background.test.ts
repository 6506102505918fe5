import { expect, test, vi } from 'vitest'
import { heatFor, mapsOf } from '../src/canvas/background'
import { BLANK, type Canvas, EMPTY } from '../src/canvas/canvas'

vi.mock('../src/comfy', () => ({}))

const canvas = (...names: string[]): Canvas => ({
  ...BLANK,
  regions: [EMPTY, ...names.map((name) => ({ ...EMPTY, name }))],
})
const heat = (...names: string[]) => ({ picture: 'p', maps: names.map((name) => `map of ${name}`), names })

test('maps go to the regions that are called as they were', () => {
  expect(mapsOf(canvas('boat', 'moon'), heat('global', 'moon', 'boat', 'sun'))).toEqual([
    { region: 0, href: 'map of global' },
    { region: 2, href: 'map of moon' },
    { region: 1, href: 'map of boat' },
  ])
})

test('regions of one name take their maps in order, those without by their number', () => {
  const found = mapsOf(canvas('tree', '', 'tree'), heat('global', 'tree', 'region 2', 'tree'))
  expect(found.map(({ region }) => region)).toEqual([0, 1, 2, 3])
})

test('the newest heat that most regions still are there for', () => {
  const heats = [heat('global', 'dog', 'cat'), heat('global', 'boat', 'moon', 'sun'), heat('global', 'boat', 'moon')]
  expect(heatFor(canvas('boat', 'moon'), heats)).toBe(heats[1])
  expect(heatFor(canvas('boat'), heats)).toBeUndefined()
  expect(heatFor(canvas(), heats)).toBeUndefined()
})
