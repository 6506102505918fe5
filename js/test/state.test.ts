import { expect, it, vi } from 'vitest'
import { BLANK, type Canvas } from '../src/canvas/canvas'
import { add } from '../src/canvas/commands'
import { State } from '../src/canvas/state'

const ONE: Canvas = add(BLANK, [0, 5, 0, 5]).canvas
const TWO: Canvas = add(ONE, [5, 10, 5, 10]).canvas

it('begins with the first region selected, else the global one', () => {
  expect(new State(TWO).selected).toEqual([1])
  expect(new State(BLANK).selected).toEqual([0])
})

it('undoes and redoes canvas and selection', () => {
  const state = new State(ONE)
  state.commit(TWO, [2])
  state.undo()
  expect([state.canvas, state.selected, state.canUndo, state.canRedo]).toEqual([ONE, [1], false, true])
  state.redo()
  expect([state.canvas, state.selected]).toEqual([TWO, [2]])
  state.undo()
  state.commit(BLANK)
  expect(state.canRedo).toBe(false)
  expect(state.selected).toEqual([])
})

it('makes one step of steps in a row with a tag, until something is selected', () => {
  const state = new State(BLANK)
  state.commit(ONE, [1], 'typing')
  state.commit(TWO, [1], 'typing')
  state.undo()
  expect(state.canvas).toBe(BLANK)
  state.redo()
  state.select([1])
  state.commit(ONE, [1], 'typing')
  state.undo()
  expect(state.canvas).toBe(TWO)
})

it('keeps the selection the same object while it is the same', () => {
  const state = new State(TWO)
  const { selected } = state
  state.commit(ONE, [1])
  expect(state.selected).toBe(selected)
  state.commit(TWO, [2])
  expect(state.selected).toEqual([2])
})

it('previews without a step', () => {
  const state = new State(ONE)
  const heard = vi.fn()
  const stop = state.subscribe(heard)
  state.preview(TWO)
  state.preview(TWO)
  expect([state.shown, state.canvas, state.canUndo, heard.mock.calls.length]).toEqual([TWO, ONE, false, 1])
  state.preview(null)
  expect(state.shown).toBe(ONE)
  stop()
  state.commit(TWO)
  expect(heard).toHaveBeenCalledTimes(2)
})
