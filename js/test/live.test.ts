import { beforeEach, expect, test, vi } from 'vitest'
import { type Answer, answers } from '../src/live'

let frames: (() => void)[]
let drawn: [string, Answer][]
const nextFrame = (): void => frames.splice(0).forEach((frame) => frame())
const start = () => answers((node, answer) => drawn.push([node, answer]))

beforeEach(() => {
  frames = []
  drawn = []
  vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame))
})

test('many events are one drawing of each node', () => {
  const { hear } = start()
  for (let seq = 0; seq < 50; seq++) {
    hear({ node: '1', run: 'a', seq, delta: 'x', ...(seq === 10 && { regions: [{}] }) })
    hear({ node: '10:2', run: 'b', seq, delta: 'y' })
  }
  expect(drawn).toEqual([])
  nextFrame()
  expect(drawn).toMatchObject([
    ['1', { text: 'x'.repeat(50), regions: [{}], live: true }],
    ['10:2', { text: 'y'.repeat(50), regions: null, live: true }],
  ])
  nextFrame()
  expect(drawn).toHaveLength(2)
})

test('a lost piece leaves a gap until the whole text comes', () => {
  const { hear } = start()
  hear({ node: '1', run: 'a', seq: 0, delta: 'one' })
  hear({ node: '1', run: 'a', seq: 2, delta: 'three' })
  hear({ node: '1', run: 'a', seq: 1, delta: 'two' })
  nextFrame()
  expect(drawn[0]?.[1].text).toBe('one … three')
  hear({ node: '1', run: 'a', seq: 3, text: 'one two three', regions: [{}, {}], done: true })
  nextFrame()
  expect(drawn[1]?.[1]).toMatchObject({ text: 'one two three', regions: [{}, {}], live: false })
})

test('an answer takes the place of the thoughts before it, also in the view of a layout', () => {
  const { hear } = start()
  hear({ node: '1', run: 'a', seq: 0, delta: 'Thinking: hm', regions: [{}, {}] })
  hear({ node: '1', run: 'a', seq: 1, text: 'A ', regions: [{}] })
  hear({ node: '1', run: 'a', seq: 2, delta: 'boat' })
  nextFrame()
  expect(drawn[0]?.[1]).toMatchObject({ text: 'A boat', regions: [{}], live: true })
})

test('another run begins anew', () => {
  const { hear } = start()
  hear({ node: '1', run: 'a', seq: 0, delta: 'old', regions: [{}] })
  hear({ node: '1', run: 'b', seq: 0, delta: 'new' })
  nextFrame()
  expect(drawn).toMatchObject([['1', { run: 'b', text: 'new', regions: null }]])
})

test('when nothing more comes, what is there stays and is no longer live', () => {
  const { hear, stop } = start()
  hear({ node: '1', run: 'a', seq: 0, delta: 'half', regions: [{}] })
  stop()
  stop()
  nextFrame()
  expect(drawn).toMatchObject([['1', { text: 'half', regions: [{}], live: false }]])
})
