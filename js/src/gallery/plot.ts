// How far a lineage has drifted: share of tags kept and mean color over rounds, as lines and as a table.

import { h, svg } from '../dom'
import { t } from '../i18n'
import { type Drift, type Point } from './server'

const WIDTH = 320
const HEIGHT = 226
const LEFT = 34
const RIGHT = WIDTH - 18
/** Of more points than this the dots would hide the line. */
const DOTS = 40

interface Line {
  readonly name: string
  readonly dash: string
  value(point: Point): number | null
}

interface Panel {
  readonly title: string
  readonly top: number
  readonly bottom: number
  readonly low: number
  readonly high: number
  readonly lines: readonly Line[]
}

const kept = (point: Point): number | null => (point.kept === null ? null : Math.round(point.kept * 100))

function panels(): Panel[] {
  const color = (name: string, dash: string, n: 0 | 1 | 2): Line => ({
    name,
    dash,
    value: (point) => point.lab && Math.round(point.lab[n]),
  })
  return [
    {
      title: t('gallery.kept_axis'),
      top: 22,
      bottom: 82,
      low: 0,
      high: 100,
      lines: [{ name: '', dash: '', value: kept }],
    },
    {
      title: t('gallery.lab_axis'),
      top: 114,
      bottom: 190,
      low: -100,
      high: 100,
      lines: [color('L', '', 0), color('a', '6 3', 1), color('b', '2 3', 2)],
    },
  ]
}

/** @param go is called with the item of the round that was chosen. */
export function makePlot({ points, every }: Drift, current: number, go: (id: number) => void): HTMLElement {
  const first = points[0]?.round ?? 0
  const last = points.at(-1)?.round ?? 0
  const x = (round: number): number =>
    last === first ? (LEFT + RIGHT) / 2 : LEFT + ((round - first) / (last - first)) * (RIGHT - LEFT)
  const drawing = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'img',
    'aria-label': t('gallery.drift_alt', { first, last }),
    class: 'resonance-plot',
  })
  const shown = points.find((point) => point.id === current)
  const all = panels()
  for (const panel of all) {
    drawPanel(drawing, panel, points, x)
    if (!shown) continue
    const at = x(shown.round)
    drawing.append(svg('line', { x1: at, x2: at, y1: panel.top, y2: panel.bottom, class: 'resonance-now' }))
  }
  const axis = [first, ...(last > first ? [last] : [])]
  for (const round of axis)
    drawing.append(svg('text', { x: x(round), y: 207, class: 'resonance-middle' }, String(round)))
  drawing.append(svg('text', { x: (LEFT + RIGHT) / 2, y: 222, class: 'resonance-middle' }, t('gallery.round_axis')))
  const room = Math.min(1, every / (last - first || 1)) * (RIGHT - LEFT)
  for (const point of points) {
    const hit = svg('rect', { x: x(point.round) - room / 2, y: 0, width: room, height: HEIGHT, class: 'resonance-hit' })
    hit.dataset['round'] = String(point.round)
    hit.append(svg('title', {}, describe(point)))
    hit.addEventListener('click', () => go(point.id))
    drawing.append(hit)
  }
  const note = every > 1 ? [h('p', { textContent: t('gallery.every', { n: every }) })] : []
  return h('div', {}, drawing, ...note, makeTable(points, shown, go))
}

function drawPanel(drawing: SVGElement, panel: Panel, points: readonly Point[], x: (round: number) => number): void {
  const { top, bottom, low, high } = panel
  const y = (value: number): number =>
    bottom - ((Math.min(Math.max(value, low), high) - low) / (high - low)) * (bottom - top)
  drawing.append(svg('text', { x: 2, y: top - 9 }, panel.title))
  for (const tick of [low, (low + high) / 2, high]) {
    drawing.append(
      svg('line', { x1: LEFT, x2: RIGHT, y1: y(tick), y2: y(tick), class: 'resonance-tick' }),
      svg('text', { x: LEFT - 5, y: y(tick) + 3.5, class: 'resonance-end' }, String(tick)),
    )
  }
  const ends: [height: number, name: string][] = []
  for (const { name, dash, value } of panel.lines) {
    const known = points.flatMap((point) => {
      const found = value(point)
      return found === null ? [] : [[x(point.round), y(found)] as const]
    })
    const end = known.at(-1)
    if (!end) continue
    drawing.append(
      svg('polyline', {
        points: known.map((at) => at.join()).join(' '),
        'stroke-dasharray': dash,
        class: 'resonance-line',
      }),
      ...(known.length > DOTS ? [] : known).map(([cx, cy]) => svg('circle', { cx, cy, r: 2.5 })),
    )
    ends.push([end[1] + 3.5, name])
  }
  // Names of lines that end at the same height stand below each other.
  let free = -Infinity
  for (const [wanted, name] of ends.sort(([one], [other]) => one - other)) {
    const height = Math.max(wanted, free)
    drawing.append(svg('text', { x: RIGHT + 6, y: height }, name))
    free = height + 10
  }
}

function values(point: Point): string[] {
  const share = kept(point)
  return [share === null ? '–' : `${share} %`, ...(point.lab?.map((value) => value.toFixed(1)) ?? ['–', '–', '–'])]
}

function describe(point: Point): string {
  const [share = '', L = '', a = '', b = ''] = values(point)
  return t('gallery.point', { round: point.round, kept: share, L, a, b })
}

function makeTable(points: readonly Point[], shown: Point | undefined, go: (id: number) => void): HTMLElement {
  const heads = [t('gallery.round_axis'), t('gallery.kept'), 'L', 'a', 'b']
  const rows = points.map((point) => {
    const button = h('button', { type: 'button', textContent: String(point.round) })
    button.ariaLabel = t('gallery.round', { round: point.round })
    button.addEventListener('click', () => go(point.id))
    const row = h('tr', {}, h('th', { scope: 'row' }, button), ...values(point).map((text) => h('td', {}, text)))
    if (point === shown) row.ariaCurrent = 'true'
    return row
  })
  return h(
    'details',
    {},
    h('summary', { textContent: t('gallery.as_table') }),
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col', textContent: head })))),
      h('tbody', {}, ...rows),
    ),
  )
}
