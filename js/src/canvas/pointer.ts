// Mouse, pen and fingers on the stage: select, move, resize, draw, frame, pan, pinch.

import { type Actions } from './actions'
import { type Canvas } from './canvas'
import { add, movable, setRects, type Result } from './commands'
import { between, type Handle, move, overlap, type Point, resize } from './geometry'
import { type Stage } from './stage'
import { type State } from './state'
import { type ViewState } from './view'

/** Pixels that a pointer may tremble in a click. */
const TREMBLE = 4

interface Gesture {
  move(event: PointerEvent): void
  end(): void
  abort(): void
}

export interface Pointer {
  /** Takes back what is being dragged. False if nothing is. */
  abort(): boolean
}

export function pointer(state: State, view: ViewState, stage: Stage, { run }: Actions): Pointer {
  const { sheet, point } = stage
  const fingers = new Map<number, PointerEvent>()
  let gesture: Gesture | null = null
  let panning = false

  /** Shows what a drag leads to, and makes it a step at its end. */
  function drag(
    start: PointerEvent,
    lead: (from: Point, to: Point, step: number) => Result | null,
    click: () => void,
  ): Gesture {
    const from = point(start)
    let moved = false
    let result: Result | null = null
    return {
      move(event) {
        moved ||= Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) >= TREMBLE
        if (!moved) return
        result = lead(from, point(event), event.altKey ? 1 : view.view.snap)
        state.preview(result?.canvas ?? null)
      },
      end() {
        const found = result
        if (found) run(() => found)
        state.preview(null)
        if (!moved) click()
      },
      abort: () => state.preview(null),
    }
  }

  /** A drag that changes rectangles of the canvas. Positions that lead to the same cells give the same canvas. */
  function reshape(
    start: PointerEvent,
    numbers: readonly number[],
    rects: (by: Point, step: number) => ReturnType<typeof move>,
    click: () => void,
  ): Gesture {
    const { canvas } = state
    const before = String(numbers.map((number) => canvas.regions[number]?.rect))
    let last = before
    let shown: Canvas = canvas
    return drag(
      start,
      (from, to, step) => {
        const found = rects({ x: to.x - from.x, y: to.y - from.y }, step)
        if (String(found) !== last) {
          last = String(found)
          shown = setRects(canvas, new Map(numbers.map((number, i) => [number, found[i]!])))
        }
        return last === before ? null : { canvas: shown, selected: state.selected }
      },
      click,
    )
  }

  function draw(event: PointerEvent, click: () => void): Gesture {
    let last = ''
    let result: Result | null = null
    return drag(
      event,
      (from, to, step) => {
        const rect = between(from, to, step)
        if (String(rect) !== last) result = add(state.canvas, rect)
        last = String(rect)
        return result
      },
      click,
    )
  }

  function frame(event: PointerEvent, click: () => void): Gesture {
    const from = point(event)
    let found: number[] | null = null
    return {
      move(event) {
        const to = point(event)
        const rect = [
          Math.min(from.y, to.y),
          Math.max(from.y, to.y),
          Math.min(from.x, to.x),
          Math.max(from.x, to.x),
        ] as const
        stage.band(rect)
        found = state.canvas.regions.flatMap((region, number) =>
          number && !region.hidden && overlap(region.rect, rect) ? [number] : [],
        )
      },
      end() {
        stage.band(null)
        if (!found) click()
        else if (found.length) state.select([...new Set([...state.selected.filter((number) => number > 0), ...found])])
      },
      abort: () => stage.band(null),
    }
  }

  function pan(start: PointerEvent): Gesture {
    let last = start
    return {
      move(event) {
        stage.pan(event.clientX - last.clientX, event.clientY - last.clientY)
        last = event
      },
      end: () => {},
      abort: () => {},
    }
  }

  function pinch(): Gesture {
    const measure = (): { center: Point; distance: number } => {
      const [one, other] = [...fingers.values()] as [PointerEvent, PointerEvent]
      return {
        center: { x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2 },
        distance: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY),
      }
    }
    const { zoom } = view.view
    const { distance } = measure()
    let last = measure().center
    return {
      move() {
        const now = measure()
        stage.pan(now.center.x - last.x, now.center.y - last.y)
        stage.zoom((zoom * now.distance) / distance, now.center)
        last = now.center
      },
      end: () => {},
      abort: () => {},
    }
  }

  function press(event: PointerEvent): Gesture | null {
    if (event.button === 1 || panning) return pan(event)
    if (event.button !== 0) return null
    const target = event.target as Element
    const handle = target.closest<SVGElement>('[data-handle]')?.dataset['handle'] as Handle | undefined
    const number = Number(target.closest<SVGElement>('[data-region]')?.dataset['region'] ?? 0)
    const primary = state.selected.at(-1) ?? 0
    if (handle) {
      const { rect } = state.canvas.regions[primary]!
      return reshape(
        event,
        [primary],
        (by, step) => [resize(rect, handle, by, step)],
        () => {},
      )
    }
    const many = event.shiftKey || event.ctrlKey || event.metaKey
    const select = (): void => {
      if (!many) state.select([number])
      else if (number) toggle(number)
    }
    const locked = state.canvas.regions[number]?.locked
    // A locked region is ground: a backdrop that fills the picture can be drawn upon.
    if (!number || locked) return event.shiftKey ? frame(event, select) : draw(event, select)
    const alone = !state.selected.includes(number)
    if (many) toggle(number)
    else if (alone) state.select([number])
    else if (primary !== number) state.select([...state.selected.filter((other) => other !== number), number])
    const numbers = movable(state.canvas, state.selected)
    const rects = numbers.map((moved) => state.canvas.regions[moved]!.rect)
    const { rect } = state.canvas.regions[number]!
    return reshape(
      event,
      numbers,
      (by, step) => move(rects, rect, by, step),
      () => !many && state.selected.length > 1 && state.select([number]),
    )
  }

  function toggle(number: number): void {
    const others = state.selected.filter((other) => other > 0 && other !== number)
    const selected = state.selected.includes(number) ? others : [...others, number]
    state.select(selected.length ? selected : [0])
  }

  function finish(how: 'end' | 'abort'): boolean {
    const finished = gesture
    gesture = null
    finished?.[how]()
    return finished !== null
  }

  // The browser would select text, scroll by the middle button, or focus what is not selected.
  sheet.addEventListener('mousedown', (event) => event.preventDefault())
  sheet.addEventListener('pointerdown', (event) => {
    fingers.set(event.pointerId, event)
    sheet.setPointerCapture(event.pointerId)
    finish('abort')
    if (fingers.size === 1) gesture = press(event)
    else if (fingers.size === 2) gesture = pinch()
    stage.focus()
  })
  sheet.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return
    fingers.set(event.pointerId, event)
    gesture?.move(event)
  })
  sheet.addEventListener('pointerup', (event) => {
    fingers.delete(event.pointerId)
    finish('end')
  })
  sheet.addEventListener('pointercancel', (event) => {
    fingers.delete(event.pointerId)
    finish('abort')
  })
  const hold = (held: boolean): void => {
    panning = held
    sheet.classList.toggle('panning', held)
  }
  stage.element.addEventListener('keydown', (event) => {
    if (event.key !== ' ') return
    event.preventDefault()
    hold(true)
  })
  stage.element.addEventListener('keyup', (event) => event.key === ' ' && hold(false))
  stage.element.addEventListener('focusout', (event) => {
    if (!stage.element.contains(event.relatedTarget as Node | null)) hold(false)
  })
  return { abort: () => finish('abort') }
}
