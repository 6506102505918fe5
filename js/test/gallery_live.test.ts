import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const server = vi.hoisted(() => ({
  ask: vi.fn<(route: string) => Promise<unknown>>(),
  heard: new Map<string, (detail: unknown) => void>(),
  nodes: [] as unknown[],
  added: vi.fn(),
  opened: vi.fn<(file: File) => Promise<void>>(),
}))

vi.mock('../src/comfy', () => ({
  app: {
    handleFile: server.opened,
    canvas: {},
    graph: { nodes: server.nodes },
    extensionManager: { setting: { get: (id: string) => (id === 'Comfy.Locale' ? 'en' : undefined), set: vi.fn() } },
  },
  api: { apiURL: (route: string) => `/api${route}` },
  ask: (route: string) => server.ask(route),
  loadTexts: () => Promise.resolve(),
  on: (type: string, listener: (detail: unknown) => void) => {
    server.heard.set(type, listener)
    return () => server.heard.delete(type)
  },
  addNode: (type: string) => server.added(type),
  selectedNodes: () => [],
  captureUndo: () => {},
}))

import { hasGraph, loadWorkflow, sendToLoadImage } from '../src/gallery/actions'
import { openGallery } from '../src/gallery/gallery'
import { makeHeader } from '../src/gallery/header'
import { type GridAnswer, type Status } from '../src/gallery/server'

const status = (session: string, more: Partial<Status> = {}): Status => ({
  session,
  seed: 1,
  state: 'open',
  reason: '',
  round: 1,
  done: 0,
  total: 2,
  failed: 0,
  skipped: 0,
  removed: 0,
  pace: null,
  eta: null,
  ...more,
})

const grid = (session: string, lineages: string[]): GridAnswer => ({
  status: status(session),
  more: false,
  rounds: [1],
  sources: true,
  lineages,
  told: [],
  items: lineages.map((_, row) => [row + 1, 1, row, 'pending', null, 0]),
})

/** Lets everything run that waits for nothing but its turn. */
const turn = () => vi.advanceTimersByTimeAsync(0)

describe('the gallery', () => {
  const grids = new Map<string, () => Promise<GridAnswer>>()
  let element: HTMLElement
  let close: () => void

  const names = () => [...element.querySelectorAll('[role=gridcell]')].map((cell) => cell.ariaLabel)
  const rows = () => [...element.querySelectorAll('[role=rowheader]')].map((head) => head.textContent)
  const hear = (session: string, changed: unknown) =>
    server.heard.get('resonance.rounds')?.({ ...status(session), changed })
  const choose = (session: string) => {
    const picker = element.querySelector('select')!
    picker.value = session
    picker.dispatchEvent(new Event('change'))
  }

  beforeEach(async () => {
    vi.useFakeTimers()
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(600)
    vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600)
    grids.clear()
    grids.set('one', () => Promise.resolve(grid('one', ['X0001', 'X0002'])))
    grids.set('two', () => Promise.resolve(grid('two', ['Y0001'])))
    server.ask.mockReset().mockImplementation((route) => {
      if (route === '/i18n') return Promise.resolve({})
      if (route === '/prompt') return Promise.resolve({ exec_info: { queue_remaining: 1 } })
      if (route === '/resonance/rounds') return Promise.resolve([status('one'), status('two')])
      return grids.get(route.split('/')[3]!)!()
    })
    element = document.createElement('div')
    document.body.append(element)
    close = openGallery(element)
    await turn()
    choose('one')
    await turn()
  })

  afterEach(() => {
    close()
    element.remove()
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it('goes on with what it hears after a load that failed', async () => {
    grids.set('one', () => Promise.reject(new Error('the ledger is locked')))
    hear('one', [3, 1, 'X0001.1', 'pending', null, 0])
    await vi.advanceTimersByTimeAsync(1000)
    expect(element.querySelector('[role=alert]')?.textContent).toBe('the ledger is locked')
    hear('one', [1, 1, 'X0001', 'failed', null, 0])
    expect(element.textContent).toContain('gallery.item.failed')
    grids.set('one', () => Promise.resolve(grid('one', ['X0001', 'X0001.1', 'X0002'])))
    hear('one', [3, 1, 'X0001.1', 'pending', null, 0])
    await vi.advanceTimersByTimeAsync(1000)
    expect(rows()).toEqual(['X0001', 'X0001.1', 'X0002'])
    expect(element.querySelector('[role=alert]')?.textContent).toBe('')
  })

  it('shows the first rows of a large session while the others are on their way', async () => {
    let answer = (_: GridAnswer): void => {}
    const routes: string[] = []
    server.ask.mockImplementation((route) => {
      routes.push(route)
      if (route.endsWith('?first=1')) return Promise.resolve({ ...grid('two', ['Y0001']), more: true })
      return new Promise((done) => (answer = done as typeof answer))
    })
    choose('two')
    await turn()
    expect(rows()).toEqual(['Y0001'])
    hear('two', [2, 1, 'Y0002', 'failed', null, 0])
    answer(grid('two', ['Y0001', 'Y0002']))
    await turn()
    expect(rows()).toEqual(['Y0001', 'Y0002'])
    expect(element.textContent).toContain('gallery.item.failed')
    expect(routes).toEqual(['/resonance/rounds/two/grid?first=1', '/resonance/rounds/two/grid'])
  })

  it('takes in what it hears while it loads', async () => {
    let answer = (_: GridAnswer): void => {}
    grids.set('two', () => new Promise((done) => (answer = done)))
    choose('two')
    hear('two', [1, 1, 'Y0001', 'failed', null, 0])
    answer(grid('two', ['Y0001']))
    await turn()
    expect(element.textContent).toContain('gallery.item.failed')
  })

  it('shows no picture of the session before while another one is loaded', async () => {
    expect(names().length).toBeGreaterThan(0)
    grids.set('two', () => new Promise(() => {}))
    choose('two')
    expect(names()).toEqual([])
    choose('one')
    await turn()
    expect(rows()).toEqual(['X0001', 'X0002'])
  })

  it('names what cannot be read, and shows the rest', async () => {
    const odd = { session: 'odd', unread: 'The ledger in odd cannot be read: it is none.' }
    server.ask.mockImplementation((route) =>
      Promise.resolve(
        route === '/prompt' ? { exec_info: {} } : route.includes('/grid') ? grid('one', ['X']) : [status('one'), odd],
      ),
    )
    server.heard.get('reconnected')?.(null)
    await turn()
    const reasons = () =>
      [...element.querySelectorAll('.resonance-unread:not([hidden]) li')].map((li) => li.textContent)
    expect(reasons()).toEqual([`odd: ${odd.unread}`])
    expect([...element.querySelectorAll('option')].map((option) => option.value)).toEqual(['one'])
    server.ask.mockImplementation((route) => Promise.resolve(route === '/prompt' ? { exec_info: {} } : [odd]))
    server.heard.get('reconnected')?.(null)
    await turn()
    expect(element.textContent).toContain('gallery.no_session')
    expect(reasons()).toHaveLength(1)
  })

  it('shows nothing of a session that is gone', async () => {
    server.ask.mockImplementation((route) => Promise.resolve(route === '/prompt' ? { exec_info: {} } : []))
    server.heard.get('reconnected')?.(null)
    await turn()
    expect(names()).toEqual([])
    expect(element.textContent).toContain('gallery.no_session')
  })

  it('tries pictures again that could not be loaded', async () => {
    const image = element.querySelector('[role=gridcell] img')
    image?.dispatchEvent(new Event('error'))
    expect(element.textContent).toContain('gallery.missing')
    server.heard.get('reconnected')?.(null)
    await vi.advanceTimersByTimeAsync(1000)
    expect(element.textContent).not.toContain('gallery.missing')
  })

  it('asks for nothing and hears nothing after it was closed', async () => {
    server.heard.get('reconnected')?.(null)
    close()
    server.ask.mockClear()
    await vi.advanceTimersByTimeAsync(5000)
    expect(server.ask).not.toHaveBeenCalled()
    expect(server.heard.size).toBe(0)
    expect(element.childElementCount).toBe(0)
  })
})

describe('the header', () => {
  it('hands the focus on from a button that goes', () => {
    const nothing = () => {}
    const header = makeHeader({ size: 96, choose: nothing, act: nothing, resize: nothing, enlarge: nothing })
    document.body.append(header.element)
    header.show([status('s')], 's', false)
    const [pause, resume] = [...header.element.querySelectorAll('button')]
    pause?.focus()
    header.show([status('s', { state: 'paused' })], 's', false)
    expect(document.activeElement).toBe(resume)
    header.element.remove()
  })
})

describe('Load Image', () => {
  const picture = { filename: 'a.png', subfolder: 's/round-0001', type: 'output' }
  const loader = (link: number | null) => ({
    type: 'LoadImage',
    inputs: [{ name: 'image', link }],
    widgets: [{ name: 'image', value: '', options: { values: [] as string[] } }],
  })

  it('is passed over where a link fills it', () => {
    const [linked, made] = [loader(1), loader(null)]
    server.nodes.push(linked)
    server.added.mockReturnValue(made)
    sendToLoadImage(picture)
    expect(linked.widgets[0]?.value).toBe('')
    expect(made.widgets[0]?.value).toBe('s/round-0001/a.png [output]')
  })
})

describe('the workflow of a picture', () => {
  const chunk = (type: string, data: string) => {
    const length = String.fromCharCode(...[24, 16, 8, 0].map((shift) => (data.length >> shift) & 255))
    return `${length}${type}${data}\0\0\0\0`
  }
  const png = (...chunks: string[]) =>
    Uint8Array.from(['\x89PNG\r\n\x1a\n', ...chunks, chunk('IEND', '')].join(''), (c) => c.charCodeAt(0)).buffer

  it('is seen among the texts', () => {
    const pixels = chunk('IDAT', 'tEXtworkflow\0')
    expect(hasGraph(png(pixels, chunk('tEXt', 'workflow\0{}')))).toBe(true)
    expect(hasGraph(png(chunk('iTXt', 'prompt\0\0\0\0\0{}')))).toBe(true)
    expect(hasGraph(png(pixels, chunk('tEXt', 'resonance\0{}')))).toBe(false)
    expect(hasGraph(png(chunk('tEXt', 'prompt\0a boat'), chunk('iTXt', 'prompt\0\0\0\0\0a boat')))).toBe(false)
    expect(hasGraph(new ArrayBuffer(0))).toBe(false)
    expect(hasGraph(png(chunk('IDAT', 'cut')).slice(0, 21))).toBe(false)
  })

  it('is asked of the server where ComfyUI reads none, and opened as a file of its own', async () => {
    const picture = { filename: 'a.jpg', subfolder: 's/round-0001', type: 'output' } as const
    await loadWorkflow(picture, () => Promise.resolve({ workflow: '{"nodes":[]}', prompt: '{}' }))
    await loadWorkflow(picture, () => Promise.resolve({ prompt: '{"1":{}}' }))
    const files = server.opened.mock.calls.map(([file]) => file)
    expect(files.map(({ name, type }) => [name, type])).toEqual(Array(2).fill(['a.jpg.json', 'application/json']))
    expect(await Promise.all(files.map((file) => file.text()))).toEqual(['{"nodes":[]}', '{"1":{}}'])
    await expect(loadWorkflow(picture, () => Promise.resolve({}))).rejects.toThrow('no_workflow')
    expect(server.opened).toHaveBeenCalledTimes(2)
  })
})

describe('the buttons of the header', () => {
  it('make removed pictures again where there are such', () => {
    const act = vi.fn()
    const header = makeHeader({ size: 96, choose: vi.fn(), act, resize: vi.fn(), enlarge: vi.fn() })
    const button = [...header.element.querySelectorAll('button')].find((each) => each.textContent === 'gallery.remake')!
    header.show([status('s')], 's', true)
    expect(button.hidden).toBe(true)
    header.show([status('s', { removed: 2 })], 's', true)
    expect(button.hidden).toBe(false)
    button.click()
    expect(act).toHaveBeenCalledWith('remake')
  })
})
