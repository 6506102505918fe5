import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const upload = vi.hoisted(() => vi.fn<(file: File, name: string) => Promise<object>>())
vi.mock('../src/comfy', () => ({
  app: {},
  ask: vi.fn(() => Promise.resolve([])),
  upload,
  viewUrl: (picture: object) => `/view?${new URLSearchParams({ ...picture })}`,
}))

import { type Canvas, EMPTY, read, type Rect, write } from '../src/canvas/canvas'
import { openEditor } from '../src/canvas/editor'

const part = (name: string, rect: Rect) => ({ ...EMPTY, name, rect })
const CANVAS: Canvas = {
  regions: [EMPTY, part('far', [10, 20, 10, 20]), part('near', [30, 50, 30, 50])],
  origin: '',
}
const GULL = new File(['gull'], 'gull.png', { type: 'image/png' })

let saved = ''
let dialog: HTMLDialogElement

async function open(canvas = CANVAS): Promise<void> {
  dialog = openEditor({
    ...{ title: 'Canvas', canvas, text: write(canvas), problem: '', note: '', width: 1, height: 1, snap: 5 },
    pictures: { connected: () => null, last: () => null, heats: () => [] },
    save: (text) => void (saved = text),
  })
  await vi.waitFor(() => expect(dialog.querySelector('.resonance-form')).not.toBeNull())
}
const dropOn = (selector: string, type = 'drop', file = GULL): void => {
  const dataTransfer = { files: [file], types: ['Files'] }
  const event = Object.assign(new Event(type, { bubbles: true, cancelable: true }), { dataTransfer })
  dialog.querySelector(selector)!.dispatchEvent(event)
  expect(event.defaultPrevented).toBe(true)
}
const press = (key: string, more: KeyboardEventInit = {}): void =>
  void dialog.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
const files = (): (string | undefined)[] => {
  press('s', { ctrlKey: true })
  return read(saved).regions.map(({ picture }) => picture?.file)
}
const said = (which: string): string => dialog.querySelector(`footer [role=${which}]`)!.textContent!
const field = (): HTMLElement => dialog.querySelector<HTMLElement>('.resonance-form .picture')!

beforeEach(async () => {
  upload.mockReset().mockResolvedValue({ filename: 'gull (1).png', subfolder: '', type: 'input' })
  await open()
})
afterEach(() => dialog.close())

describe('a picture that is dropped', () => {
  it('is uploaded and becomes that of the region under it', async () => {
    dropOn('[data-region="2"]', 'dragover')
    expect(dialog.querySelector('[data-region="2"]')!.getAttribute('aria-pressed')).toBe('true')
    dropOn('[data-region="2"]')
    expect(upload).toHaveBeenCalledWith(GULL, 'gull.png')
    expect(said('status')).toBe('picture.uploading')
    await vi.waitFor(() => expect(said('status')).toBe('picture.put'))
    expect(field().querySelector('img')!.src).toContain('/view?filename=gull+%281%29.png&subfolder=&type=input')
    expect(files()).toEqual([undefined, undefined, 'gull (1).png'])
  })

  it('is that of the whole picture on bare ground, and of the region in view on its fields', async () => {
    dropOn('.resonance-sheet')
    await vi.waitFor(() => expect(said('status')).toBe('picture.put'))
    upload.mockResolvedValue({ filename: 'far.png', subfolder: 'birds', type: 'input' })
    dialog.querySelector<HTMLElement>('[data-region="1"]')!.dispatchEvent(new Event('focusin', { bubbles: true }))
    dropOn('.resonance-form .picture')
    await vi.waitFor(() => expect(dialog.querySelectorAll('.resonance-sheet .resonance-picture')).toHaveLength(1))
    expect(files()).toEqual(['gull (1).png', 'birds/far.png', undefined])
  })

  it('stays with its region, whatever is done meanwhile and after', async () => {
    dropOn('[data-region="1"]')
    press(']', { shiftKey: true })
    await vi.waitFor(() => expect(said('status')).toBe('picture.put'))
    press('d', { ctrlKey: true })
    press('z', { ctrlKey: true })
    press('y', { ctrlKey: true })
    press('s', { ctrlKey: true })
    const pictured = read(saved).regions.filter(({ picture }) => picture)
    expect(pictured.map(({ name }) => name)).toEqual(['far', 'far'])
  })

  it('is taken back by undo', async () => {
    dropOn('[data-region="1"]')
    await vi.waitFor(() => expect(said('status')).toBe('picture.put'))
    press('z', { ctrlKey: true })
    expect(dialog.querySelector('.resonance-picture')).toBeNull()
    expect(field().querySelector('img')!.hidden).toBe(true)
  })

  it('leaves everything as it is if it is none, or if the server does not take it', async () => {
    dropOn('[data-region="1"]', 'drop', new File(['x'], 'plan.pdf'))
    expect([said('alert'), upload.mock.calls]).toEqual(['picture.none', []])
    upload.mockRejectedValue(new Error('413 Request Entity Too Large'))
    dropOn('[data-region="1"]')
    await vi.waitFor(() => expect(said('alert')).toBe('413 Request Entity Too Large'))
    expect(dialog.querySelector('.resonance-picture')).toBeNull()
  })
})

describe('the picture of a region', () => {
  const strength = (): HTMLInputElement => field().querySelector('input[type=number]')!
  const pictured = (file: string): Canvas => ({
    ...CANVAS,
    regions: [EMPTY, { ...CANVAS.regions[1]!, picture: { file, strength: 0.5 } }, CANVAS.regions[2]!],
  })

  beforeEach(async () => {
    dialog.close()
    await open(pictured('gull.png'))
  })

  it('has a strength, which is one step of undo', () => {
    expect(strength().value).toBe('0.5')
    for (const value of ['1', '1.', '7']) {
      strength().value = value
      strength().dispatchEvent(new Event('input'))
    }
    press('z', { ctrlKey: true })
    expect(strength().value).toBe('0.5')
    press('y', { ctrlKey: true })
    press('s', { ctrlKey: true })
    expect(read(saved).regions[1]?.picture).toEqual({ file: 'gull.png', strength: 2 })
  })

  it('can be taken out', () => {
    field().querySelector<HTMLButtonElement>('[title="picture.remove"]')!.click()
    expect(files()).toEqual([undefined, undefined, undefined])
  })

  it('is told to be missing', () => {
    field().querySelector('img')!.dispatchEvent(new Event('error'))
    expect(field().querySelector('[role=status]')!.textContent).toBe('picture.missing')
    expect(field().querySelector('img')!.hidden).toBe(true)
  })
})
