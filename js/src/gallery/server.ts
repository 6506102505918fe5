// What the server says about sessions, and where their pictures are.

import { api, ask, type Picture } from '../comfy'

export type Act = 'pause' | 'resume' | 'retry' | 'remake'

export type State = 'pending' | 'claimed' | 'done' | 'failed' | 'parked' | 'skipped' | 'removed'

/** How far a session is: counts of the round that is worked on, seconds for `eta` and `pace`. */
export interface Status {
  readonly session: string
  readonly seed: number
  readonly state: 'open' | 'paused' | 'finished'
  readonly reason: string
  readonly round: number
  readonly done: number
  readonly total: number
  readonly failed: number
  readonly skipped: number
  readonly removed: number
  readonly eta: number | null
  readonly pace: number | null
}

/** A session that cannot be read, and why. */
export interface Unread {
  readonly session: string
  readonly unread: string
}

/** What the event `resonance.rounds` says: how far a session is, and which item has changed. */
export interface News extends Status {
  readonly changed:
    readonly [id: number, round: number, lineage: string, state: State, committed: number | null, files: number] | null
}

export interface GridAnswer {
  readonly status: Status
  /** Whether these are the first rows only. */
  readonly more: boolean
  readonly rounds: readonly number[]
  /** Whether items start from pictures. */
  readonly sources: boolean
  readonly lineages: readonly string[]
  /** Of an exploration, what each row combines. */
  readonly told: readonly (readonly [aspect: string, scale: number, prompt: string] | null)[]
  readonly items: readonly (readonly [
    id: number,
    round: number,
    row: number,
    state: State,
    committed: number | null,
    files: number,
  ])[]
}

export interface Draw {
  readonly checkpoint: string
  readonly loras: readonly { readonly name: string; readonly model_strength: number; readonly clip_strength: number }[]
}

export interface Item {
  readonly id: number
  readonly round: number
  readonly lineage: string
  readonly state: State
  readonly attempts: number
  readonly error: string | null
  readonly source: string | null
  readonly draw: Draw | null
  readonly words: { readonly tags: string; readonly caption: string } | null
  readonly prompt: string | null
  readonly committed: number | null
  readonly pictures: readonly Picture[]
  /** What Round Input takes to repeat the item. */
  readonly json: string
  readonly parent: number | null
  readonly children: readonly number[]
  /** Tags against the round before. */
  readonly change: {
    readonly kept: readonly string[]
    readonly added: readonly string[]
    readonly dropped: readonly string[]
  } | null
}

/** What a picture says about how it was made, as JSON. */
export interface Carried {
  readonly workflow?: string
  readonly prompt?: string
}

/** One round of a lineage: share of the first round's tags that are kept (0 to 1), mean color of its source. */
export interface Point {
  readonly id: number
  readonly round: number
  readonly kept: number | null
  readonly lab: readonly [number, number, number] | null
}

/** Points of a lineage: every n-th round of a long one. `missing` of them have no color yet: asking again goes on. */
export interface Drift {
  readonly points: readonly Point[]
  readonly every: number
  readonly missing: number
}

const ROUNDS = '/resonance/rounds'

const path = (session: string): string => `${ROUNDS}/${encodeURIComponent(session)}`

export const askSessions = (): Promise<(Status | Unread)[]> => ask(ROUNDS)

/** @param first asks for the first rows only, which come at once. */
export const askGrid = (session: string, first: boolean): Promise<GridAnswer> =>
  ask(`${path(session)}/grid${first ? '?first=1' : ''}`)

export const askItem = (session: string, id: number): Promise<Item> => ask(`${path(session)}/items/${id}`)

export const askDrift = (session: string, id: number): Promise<Drift> => ask(`${path(session)}/items/${id}/drift`)

/** The workflow and the graph in API form, as JSON, that an item's n-th result (from 1) carries. */
export const askWorkflow = (session: string, id: number, number: number): Promise<Carried> =>
  ask(`${path(session)}/items/${id}/result/${number}/workflow`)

export const command = (session: string, name: Act): Promise<unknown> => ask(`${path(session)}/${name}`, {})

/** Address of an item's source or of its n-th result (from 1): a thumbnail, or in full. Browsers keep what has a time. */
export function pictureUrl(
  session: string,
  item: { readonly id: number; readonly committed: number | null },
  which: 'source' | number,
  full = false,
): string {
  const what = which === 'source' ? 'source' : `result/${which}`
  const version = item.committed === null ? '' : `&v=${item.committed}`
  return api.apiURL(`${path(session)}/items/${item.id}/${what}?full=${full ? 1 : 0}${version}`)
}
