// What an editor works on: a canvas, which of its regions are selected, and how it came there. Everything that shows or
// changes a canvas talks to this, and nothing else to each other.

import { type Canvas } from './canvas'

const STEPS = 200

/** Of a picture, in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

interface Snapshot {
  readonly canvas: Canvas
  readonly selected: readonly number[]
}

export class State {
  private past: Snapshot[] = []
  private future: Snapshot[] = []
  private now: Snapshot
  private draft: Canvas | null = null
  private tag = ''
  private readonly listeners = new Set<() => void>()

  constructor(canvas: Canvas) {
    this.now = { canvas, selected: canvas.regions.length > 1 ? [1] : [0] }
  }

  /** The canvas as of the last step. */
  get canvas(): Canvas {
    return this.now.canvas
  }

  /** What is to be drawn: what a drag would lead to, else the canvas. */
  get shown(): Canvas {
    return this.draft ?? this.now.canvas
  }

  /** Numbers of the selected regions, the one that was selected last at the end; 0 is the global region. */
  get selected(): readonly number[] {
    return this.now.selected
  }

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  /** Calls a listener after every change. Returns what stops that. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Shows what a drag would lead to, without making it a step; null takes it back. */
  preview(canvas: Canvas | null): void {
    if (this.draft === canvas) return
    this.draft = canvas
    this.changed()
  }

  /** One step of the history. Steps in a row with the same tag become one, such as the letters of a word. */
  commit(canvas: Canvas, selected: readonly number[] = this.selected, tag = ''): void {
    this.draft = null
    if (canvas !== this.now.canvas) {
      if (!tag || tag !== this.tag) this.past = [...this.past.slice(1 - STEPS), this.now]
      this.tag = tag
      this.future = []
    }
    const kept = selected.filter((number) => number < canvas.regions.length)
    // The same selection stays the same object: what follows it has nothing to do.
    this.now = { canvas, selected: String(kept) === String(this.selected) ? this.selected : kept }
    this.changed()
  }

  select(selected: readonly number[]): void {
    this.tag = ''
    this.now = { canvas: this.canvas, selected }
    this.changed()
  }

  undo(): void {
    this.move(this.past, this.future)
  }

  redo(): void {
    this.move(this.future, this.past)
  }

  private move(from: Snapshot[], to: Snapshot[]): void {
    const snapshot = from.pop()
    if (!snapshot) return
    to.push(this.now)
    this.now = snapshot
    this.draft = null
    this.tag = ''
    this.changed()
  }

  private changed(): void {
    for (const listener of this.listeners) listener()
  }
}
