import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

vi.mock('../src/comfy', () => ({ app: {}, api: { apiURL: (route: string) => `/api${route}` }, ask: vi.fn() }))

import { fillCell } from '../src/gallery/cell'
import { makePlot } from '../src/gallery/plot'
import { duration, progress } from '../src/gallery/says'
import { pictureUrl, type Item, type Status } from '../src/gallery/server'
import { across, along, cellAt, makeTable, span, takeIn } from '../src/gallery/table'
import { makeThumbnails } from '../src/gallery/thumbnails'
import { describeItem } from '../src/gallery/words'

const MARKUP = '<img src=x onerror=alert(1)>'

const table = (sources = true) =>
  makeTable({
    rounds: [1, 2],
    sources,
    lineages: ['X0001', 'X0002', 'X0003'],
    told: [],
    items: [
      [1, 1, 0, 'done', 5, 1],
      [2, 1, 1, 'done', 6, 2],
      [3, 1, 2, 'done', 7, 1],
      [4, 2, 0, 'pending', null, 0],
      [5, 2, 2, 'failed', null, 0],
    ],
  })

describe('the table of a session', () => {
  it('shows the sources of the first round in column 0', () => {
    expect(cellAt(table(), 1, 0)?.id).toBe(2)
    expect(cellAt(table(), 1, 1)?.id).toBe(2)
    expect(cellAt(table(), 1, 2)).toBeUndefined()
    expect(cellAt(table(false), 1, 0)).toBeUndefined()
    expect(cellAt(table(false), 1, 1)?.id).toBe(2)
    expect(cellAt(table(), 2, 2)?.id).toBe(5)
    expect(cellAt(table(), 0, 3)).toBeUndefined()
  })

  it('takes in what has changed', () => {
    const now = table()
    expect(takeIn(now, [4, 2, 'X0001', 'done', 9, 1])).toMatchObject({ row: 0, state: 'done', committed: 9 })
    expect(cellAt(now, 0, 2)?.state).toBe('done')
  })

  it('takes in an item that was not there', () => {
    const now = table()
    expect(takeIn(now, [6, 2, 'X0002', 'claimed', null, 0])?.row).toBe(1)
    expect(now.byId.get(6)?.round).toBe(2)
  })

  it('has no place for a round or a lineage that it does not know', () => {
    expect(takeIn(table(), [7, 3, 'X0001', 'pending', null, 0])).toBeNull()
    expect(takeIn(table(), [7, 2, 'X0001.1', 'pending', null, 0])).toBeNull()
  })

  it('must be loaded again when an item that was done is not', () => {
    expect(takeIn(table(), [1, 1, 'X0001', 'claimed', null, 0])).toBeNull()
    expect(takeIn(table(), [1, 1, 'X0001', 'done', 5, 1])?.id).toBe(1)
  })

  it('leads along a lineage', () => {
    const now = table()
    expect(along(now, now.byId.get(1)!, 1)?.id).toBe(4)
    expect(along(now, now.byId.get(5)!, -1)?.id).toBe(3)
    expect(along(now, now.byId.get(2)!, 1)).toBeUndefined()
  })

  it('leads across a round over gaps, and ends at its ends', () => {
    const now = table()
    const first = now.byId.get(4)!
    const last = now.byId.get(5)!
    expect(across(now, first, 1)).toBe(last)
    expect(across(now, last, -1)).toBe(first)
    expect(across(now, first, -1)).toBeUndefined()
    expect(across(now, last, 1)).toBeUndefined()
  })
})

describe('what is to be drawn', () => {
  it.each([
    [0, 300, 100, 1000, [0, 4]],
    [1050, 300, 100, 1000, [9, 15]],
    [0, 300, 100, 2, [0, 2]],
    [0, 300, 100, 0, [0, 0]],
    [99_900, 300, 100, 1000, [998, 1000]],
  ])('from %i over %i at %i of %i', (start, length, size, count, expected) => {
    expect(span(start, length, size, count)).toEqual(expected)
  })
})

describe('thumbnails', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('wait until scrolling has settled', () => {
    const thumbnails = makeThumbnails()
    const [seen, passed] = [document.createElement('img'), document.createElement('img')]
    thumbnails.scrolled()
    thumbnails.want(passed, '/passed')
    vi.advanceTimersByTime(60)
    thumbnails.scrolled()
    thumbnails.drop(passed)
    thumbnails.want(seen, '/seen')
    vi.advanceTimersByTime(60)
    expect(seen.getAttribute('src')).toBeNull()
    vi.advanceTimersByTime(40)
    expect(seen.getAttribute('src')).toBe('/seen')
    expect(passed.getAttribute('src')).toBeNull()
  })

  it('load a few at a time, and the next when one is there, fails or is dropped', () => {
    const thumbnails = makeThumbnails()
    const images = Array.from({ length: 8 }, () => document.createElement('img'))
    const begun = () => images.filter((image) => image.hasAttribute('src')).length
    for (const image of images) thumbnails.want(image, '/a')
    vi.advanceTimersByTime(0)
    expect(begun()).toBe(4)
    images[0]?.dispatchEvent(new Event('load'))
    images[1]?.dispatchEvent(new Event('error'))
    vi.advanceTimersByTime(0)
    expect(begun()).toBe(6)
    thumbnails.drop(images[2]!)
    thumbnails.drop(images[7]!)
    vi.advanceTimersByTime(0)
    expect(begun()).toBe(6)
    expect(images[6]?.hasAttribute('src')).toBe(true)
  })

  it('load at once without scrolling', () => {
    const image = document.createElement('img')
    makeThumbnails().want(image, '/a')
    vi.advanceTimersByTime(0)
    expect(image.getAttribute('src')).toBe('/a')
  })
})

describe('a cell', () => {
  const shown = { session: 's', lineage: 'X0001', cell: table().byId.get(4), source: true }

  it('keeps the picture of its source while the item is worked on', () => {
    const element = document.createElement('div')
    const thumbnails = { want: vi.fn(), drop: vi.fn(), scrolled: vi.fn() }
    fillCell(element, shown, thumbnails)
    const image = element.querySelector('img')
    fillCell(element, { ...shown, cell: { ...shown.cell!, state: 'claimed' } }, thumbnails)
    expect(element.querySelector('img')).toBe(image)
    fillCell(element, { ...shown, cell: { ...shown.cell!, state: 'done', committed: 9, files: 1 } }, thumbnails)
    expect(thumbnails.drop).toHaveBeenCalledExactlyOnceWith(image)
    expect(thumbnails.want).toHaveBeenLastCalledWith(element.querySelector('img'), expect.stringContaining('v=9'))
  })
})

describe('addresses', () => {
  it('escape names of sessions and carry the time of the commit', () => {
    expect(pictureUrl('a/b #1', { id: 3, committed: 1.5 }, 2, true)).toBe(
      '/api/resonance/rounds/a%2Fb%20%231/items/3/result/2?full=1&v=1.5',
    )
    expect(pictureUrl('s', { id: 3, committed: null }, 'source')).toBe('/api/resonance/rounds/s/items/3/source?full=0')
  })
})

describe('words', () => {
  const item: Item = {
    id: 1,
    round: 2,
    lineage: 'X0001',
    state: 'failed',
    attempts: 3,
    error: MARKUP,
    source: MARKUP,
    draw: { checkpoint: 'a.safetensors', loras: [{ name: MARKUP, model_strength: 1, clip_strength: 0.5 }] },
    words: { tags: `${MARKUP}, sky`, caption: MARKUP },
    prompt: MARKUP,
    committed: null,
    pictures: [],
    json: '{}',
    parent: 2,
    children: [],
    change: { kept: ['sky'], added: [MARKUP], dropped: ['sea'] },
  }

  it('say what came and what went without color', () => {
    const list = describeItem(item).flatMap((part) => [...part.querySelectorAll('.resonance-tags li')])
    expect(list.map((tag) => tag.textContent)).toEqual([`+ ${MARKUP}`, '− sea', 'sky'])
  })

  it('are shown as text', () => {
    for (const part of describeItem(item)) expect(part.querySelector('img')).toBeNull()
  })

  it('show the tags alone where there is no round before', () => {
    const list = describeItem({ ...item, change: null }).flatMap((part) => [
      ...part.querySelectorAll('.resonance-tags li'),
    ])
    expect(list.map((tag) => tag.textContent)).toEqual([MARKUP, 'sky'])
  })
})

describe('the plot', () => {
  const points = [
    { id: 1, round: 1, kept: 1, lab: [50, 0, 0] as const },
    { id: 2, round: 2, kept: null, lab: null },
    { id: 2, round: 3, kept: 0.25, lab: [100, -20, 30] as const },
  ]

  it('has a table with the same numbers, and marks the round in view once', () => {
    const plot = makePlot({ points, every: 1, missing: 0 }, 2, () => {})
    const rows = [...plot.querySelectorAll('tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))
    expect(rows).toEqual([
      ['1', '100 %', '50.0', '0.0', '0.0'],
      ['2', '–', '–', '–', '–'],
      ['3', '25 %', '100.0', '-20.0', '30.0'],
    ])
    expect(plot.querySelectorAll('.resonance-now').length).toBe(2)
  })

  it('goes to the round that is chosen', () => {
    const go = vi.fn()
    const plot = makePlot({ points, every: 1, missing: 0 }, 1, go)
    plot.querySelectorAll('.resonance-hit')[2]?.dispatchEvent(new MouseEvent('click'))
    expect(go).toHaveBeenCalledWith(2)
  })

  it('stays readable with many rounds, and says that it leaves some out', () => {
    const many = Array.from({ length: 100 }, (_, n) => ({ id: n, round: 1 + n * 30, kept: 1, lab: [1, 2, 3] as const }))
    const plot = makePlot({ points: many, every: 30, missing: 0 }, 1, () => {})
    expect(plot.querySelectorAll('circle').length).toBe(0)
    expect(plot.textContent).toContain('gallery.every')
    const widths = [...plot.querySelectorAll('.resonance-hit')].map((hit) => Number(hit.getAttribute('width')))
    expect(Math.min(...widths)).toBeGreaterThan(2)
  })
})

describe('progress', () => {
  const status: Status = {
    session: 's',
    seed: 1,
    state: 'open',
    reason: '',
    round: 3,
    done: 12,
    total: 40,
    failed: 0,
    skipped: 0,
    removed: 0,
    pace: null,
    eta: null,
  }

  it('leaves out what is not known', () => {
    expect(progress(status, false)).toBe('gallery.progress')
    const going = { ...status, failed: 2, pace: 4.1, eta: 115 }
    expect(progress(going, true)).not.toContain('gallery.left')
    expect(progress(going, false).split(', ')).toEqual([
      'gallery.progress',
      'gallery.failed',
      'gallery.pace',
      'gallery.left',
    ])
  })

  it('says how many pictures were removed', () => {
    expect(progress({ ...status, removed: 2 }, false)).toBe('gallery.progress, gallery.removed')
  })

  it('says why it stands', () => {
    expect(progress({ ...status, state: 'paused', reason: 'the disk is full' }, true)).toContain('the disk is full')
  })

  it.each([
    [4.12, 'gallery.seconds'],
    [89, 'gallery.seconds'],
    [100, 'gallery.minutes'],
    [6000, 'gallery.hours'],
  ])('calls %f seconds %s', (seconds, key) => {
    expect(duration(seconds)).toBe(key)
  })
})
