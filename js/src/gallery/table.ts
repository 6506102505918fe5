// A session's items as a table: a row for each lineage, a column for each round.

import { type GridAnswer, type News, type State } from './server'

export interface Cell {
  readonly id: number
  readonly round: number
  readonly row: number
  readonly state: State
  readonly committed: number | null
  readonly files: number
}

export interface Table {
  readonly rounds: readonly number[]
  readonly sources: boolean
  readonly lineages: readonly string[]
  readonly told: GridAnswer['told']
  /** By round, then by row. */
  readonly cells: ReadonlyMap<number, Cell[]>
  readonly byId: Map<number, Cell>
  readonly rows: ReadonlyMap<string, number>
}

export const EMPTY: Table = {
  rounds: [],
  sources: true,
  lineages: [],
  told: [],
  cells: new Map(),
  byId: new Map(),
  rows: new Map(),
}

export function makeTable({ rounds, sources, lineages, told, items }: Omit<GridAnswer, 'status' | 'more'>): Table {
  const table = {
    rounds,
    sources,
    lineages,
    told,
    cells: new Map(rounds.map((round) => [round, []])),
    byId: new Map(),
    rows: new Map(lineages.map((lineage, row) => [lineage, row])),
  }
  for (const [id, round, row, state, committed, files] of items) put(table, { id, round, row, state, committed, files })
  return table
}

function put(table: Table, cell: Cell): void {
  const column = table.cells.get(cell.round)
  if (column) column[cell.row] = cell
  table.byId.set(cell.id, cell)
}

/**
 * Takes in what has changed and gives its cell. Null if the table must be loaded again: it has no place for it, or shows an
 * item done that is not, which happens when a session was deleted and another one has its name.
 */
export function takeIn(table: Table, changed: NonNullable<News['changed']>): Cell | null {
  const [id, round, lineage, state, committed, files] = changed
  const row = table.rows.get(lineage)
  const before = table.byId.get(id)
  const other = before?.state === 'done' && before.committed !== committed
  if (row === undefined || !table.cells.has(round) || other) return null
  const cell = { id, round, row, state, committed, files }
  put(table, cell)
  return cell
}

/** The item in a column of the grid. Column 0 shows the sources of the first round if there are any, column 1 its results. */
export function cellAt(table: Table, row: number, column: number): Cell | undefined {
  const round = column || table.sources ? table.rounds[Math.max(column - 1, 0)] : undefined
  return round === undefined ? undefined : table.cells.get(round)?.[row]
}

export function isSame(one: Cell | undefined, other: Cell | undefined): boolean {
  return (
    one?.id === other?.id &&
    one?.state === other?.state &&
    one?.committed === other?.committed &&
    one?.files === other?.files
  )
}

/** The next item above (-1) or below (1) in the same round. */
export function across(table: Table, cell: Cell, step: 1 | -1): Cell | undefined {
  const column = table.cells.get(cell.round) ?? []
  for (let row = cell.row + step; row >= 0 && row < column.length; row += step) if (column[row]) return column[row]
  return undefined
}

/** The item of the same lineage in the round before (-1) or after (1). */
export function along(table: Table, cell: Cell, step: 1 | -1): Cell | undefined {
  return table.cells.get(cell.round + step)?.[cell.row]
}

/** First and last number, exclusive, of what is to be drawn of `count` things of one size, with a margin of one or two. */
export function span(start: number, length: number, size: number, count: number): [first: number, end: number] {
  const first = Math.max(0, Math.floor(start / size) - 1)
  return [Math.min(first, count), Math.min(count, Math.ceil((start + length) / size) + 1)]
}
