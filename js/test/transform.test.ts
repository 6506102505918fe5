import { expect, test, vi } from 'vitest'
import { describe, type Program } from '../src/transform'

vi.mock('../src/comfy', () => ({}))
vi.mock('../src/i18n', () => ({
  t: (key: string, values: Record<string, string | number> = {}) =>
    [key.split('.')[1], ...Object.values(values)].join(' '),
}))

const program = (facts: Partial<Program>): Program => ({
  rows: [],
  pairs: 3,
  chained: false,
  save_middle: false,
  loop_to_loop: false,
  iterations: 3,
  kept: 3,
  ...facts,
})
const said = (facts: Partial<Program>, counted = true) => describe(program(facts), counted).split('comma')

test('a parallel program keeps every result, which goes without saying', () => {
  expect(said({})).toEqual(['parallel', 'loops 3', 'pictures 9'])
  expect(said({ save_middle: true })).toEqual(['parallel', 'loops 3', 'pictures 9'])
  expect(said({ iterations: 1, kept: 1, pairs: 1 })).toEqual(['loop', 'picture'])
})

test('of a chained program it is said what is kept', () => {
  expect(said({ chained: true, kept: 1 })).toEqual(['chained', 'last_kept', 'loops 3', 'pictures 3'])
  expect(said({ chained: true, save_middle: true, loop_to_loop: true, iterations: 10 })).toEqual([
    'chained',
    'every_kept',
    'loop_to_loop',
    'loops 10',
    'pictures 30',
  ])
})

test('without the number of loops the pictures of one are counted', () => {
  expect(said({}, false)).toEqual(['parallel', 'loops_connected pictures 3'])
  expect(said({ kept: 1 }, false)).toEqual(['parallel', 'loops_connected picture'])
})
