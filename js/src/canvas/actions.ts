// What toolbar, keys and list do alike: a command, a step of the history, and a word about it.

import { add, type Command, locals } from './commands'
import { type Rect, REGIONS } from './canvas'
import { describe } from './shapes'
import { type State } from './state'
import { t } from '../i18n'

export interface Actions {
  /** Does a command and says what came of it. */
  run(command: Command, said?: string, tag?: string): void
  create(): void
  undo(): void
  redo(): void
}

export function actions(state: State, say: (text: string) => void): Actions {
  const run: Actions['run'] = (command, said, tag) => {
    const { canvas, selected } = command(state.canvas, state.selected)
    if (canvas === state.canvas) {
      const locked = locals(state.selected).some((number) => state.canvas.regions[number]?.locked)
      say(t(locked ? 'editor.said.locked' : 'editor.said.nothing'))
      return
    }
    const grown = canvas.regions.length > state.canvas.regions.length
    if (grown && canvas.regions.length > REGIONS) return say(t('editor.said.full', { most: REGIONS }))
    state.commit(canvas, selected, tag)
    say(said ?? summary(state))
  }
  const travel = (possible: boolean, go: () => void, said: string): void => {
    if (possible) go()
    say(t(possible ? said : 'editor.said.nothing'))
  }
  return {
    run,
    create: () => run((canvas) => add(canvas, place(canvas.regions.length - 1))),
    undo: () => travel(state.canUndo, () => state.undo(), 'editor.said.undone'),
    redo: () => travel(state.canRedo, () => state.redo(), 'editor.said.redone'),
  }
}

/** What is selected, in words. */
export function summary(state: State): string {
  const { canvas, selected } = state
  if (selected.length > 1) return t('editor.said.selected', { count: selected.length })
  return describe(canvas, selected[0] ?? 0)
}

/** Where a region begins that nobody has drawn. */
function place(count: number): Rect {
  const at = 25 + 5 * (count % 4)
  return [at, at + 25, at, at + 25]
}
