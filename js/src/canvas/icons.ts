// Drawn on 16 by 16, in lines of the text's color.

import { svg } from '../dom'

const PATHS = {
  undo: 'M6 3 2.5 6.5 6 10M3 6.5h6.5a3.5 3.5 0 0 1 0 7H7',
  redo: 'M10 3l3.5 3.5L10 10M13 6.5H6.5a3.5 3.5 0 0 0 0 7H9',
  add: 'M8 3v10M3 8h10',
  duplicate: 'M6 6h8v8H6zM10 6V2H2v8h4',
  remove: 'M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9M6.7 7v4M9.3 7v4',
  left: 'M2 1.5v13M4.5 3.5h9v3.5h-9zM4.5 9.5h5.500V13h-5.500z',
  center: 'M8 1.5v2M8 7v2.500M8 13v1.500M3 3.500h10V7H3zM5 9.500h6V13H5z',
  right: 'M14 1.500v13M2.5 3.500h9V7h-9zM6 9.500h5.500V13H6z',
  top: 'M1.5 2h13M3.5 4.500H7v9H3.500zM9.5 4.500H13V10H9.500z',
  middle: 'M1.5 8h2M7 8h2.500M13 8h1.500M3.5 3H7v10H3.500zM9.5 5H13v6H9.500z',
  bottom: 'M1.5 14h13M3.5 2.500H7v9H3.500zM9.5 6H13v5.500H9.500z',
  horizontally: 'M1.5 2v12M14.5 2v12M6 4h4v8H6z',
  vertically: 'M2 1.500h12M2 14.500h12M4 6h8v4H4z',
  front: 'M8 14V5M4.5 8.5 8 5l3.5 3.500M2.5 2h11',
  up: 'M8 13.500v-11M4 6.500l4-4 4 4',
  down: 'M8 2.500v11M4 9.500l4 4 4-4',
  back: 'M8 2v9M4.5 7.5 8 11l3.5-3.500M2.5 14h11',
  locked: 'M3.5 7h9v7h-9zM5.5 7V4.500a2.5 2.5 0 0 1 5 0V7',
  unlocked: 'M3.5 7h9v7h-9zM5.5 7V4.500a2.5 2.5 0 0 1 4.8-1',
  shown: 'M1 8s2.5-4.5 7-4.500S15 8 15 8s-2.5 4.5-7 4.500S1 8 1 8zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  hidden: 'M1 8s2.5-4.5 7-4.500S15 8 15 8s-2.5 4.5-7 4.500S1 8 1 8zM2.5 14 13.5 2',
  closer: 'M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14M5 7h4M7 5v4',
  farther: 'M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14M5 7h4',
  fit: 'M2 6V2h4M14 6V2h-4M2 10v4h4M14 10v4h-4',
  grip: 'M6 3v.1M10 3v.1M6 8v.1M10 8v.1M6 13v.1M10 13v.1',
} as const

export type Icon = keyof typeof PATHS

export function icon(name: Icon): SVGSVGElement {
  return svg(
    'svg',
    { class: 'resonance-icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    svg('path', { d: PATHS[name] }),
  )
}
