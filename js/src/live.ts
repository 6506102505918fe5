// Answers of Canvas Chat while they are written: events of the server, put in order, drawn at most once per frame.

/** One event, see resonance/host/canvas.py. */
export interface CanvasEvent {
  readonly node: string
  readonly run: string
  readonly seq: number
  readonly delta?: string
  /** All of it, in place of what was there: the whole answer, or its beginning in place of the thoughts before it. */
  readonly text?: string
  readonly regions?: readonly unknown[]
  readonly done?: boolean
}

export interface Answer {
  readonly run: string
  readonly text: string
  /** The JSON list as far as it is written; null before its first region. */
  readonly regions: readonly unknown[] | null
  readonly live: boolean
}

export interface Answers {
  hear(event: CanvasEvent): void
  /** Nothing more will come, whatever was being written. */
  stop(): void
}

interface Growing extends Answer {
  /** Number of the event that has to come next for the text to be whole. */
  readonly next: number
}

export function answers(draw: (node: string, answer: Answer) => void): Answers {
  const known = new Map<string, Growing>()
  const changed = new Set<string>()
  let frame = 0

  function show(node: string, answer: Growing): void {
    known.set(node, answer)
    changed.add(node)
    frame ||= requestAnimationFrame(() => {
      frame = 0
      for (const node of changed) draw(node, known.get(node)!)
      changed.clear()
    })
  }

  return {
    hear(event) {
      const before = known.get(event.node)
      const answer =
        before?.run === event.run ? before : { run: event.run, text: '', regions: null, live: true, next: 0 }
      if (event.seq < answer.next) return
      // A piece that was lost leaves a gap in the text; the whole text comes at the end.
      const gap = event.seq > answer.next ? ' … ' : ''
      show(event.node, {
        run: event.run,
        text: event.text ?? answer.text + gap + (event.delta ?? ''),
        regions: event.regions ?? answer.regions,
        live: !event.done,
        next: event.seq + 1,
      })
    },
    stop() {
      for (const [node, answer] of known) if (answer.live) show(node, { ...answer, live: false })
    },
  }
}
