// How an editor looks at a canvas. None of it is saved with the canvas.

/** A picture under the regions, or none. */
export interface Background {
  /** Address of the picture. */
  readonly href: string
  readonly opacity: number
  /** Its own width by its height: of another format than the canvas, it is shown whole in the middle. */
  readonly aspect: number
}

/** Where the words of regions acted, as grey maps. */
export interface Heat {
  readonly maps: readonly { readonly region: number; readonly href: string }[]
  readonly opacity: number
}

export interface View {
  /** Width of the picture by its height. */
  readonly aspect: number
  /** 1: the whole picture fits. */
  readonly zoom: number
  /** Cells to which edges snap: 1 or 5. */
  readonly snap: 1 | 5
  readonly background: Background | null
  readonly heat: Heat | null
}

export class ViewState {
  private readonly listeners = new Set<() => void>()

  constructor(private now: View) {}

  get view(): View {
    return this.now
  }

  set(change: Partial<View>): void {
    this.now = { ...this.now, ...change }
    for (const listener of this.listeners) listener()
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
