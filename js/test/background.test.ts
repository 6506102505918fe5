import { expect, test, vi } from 'vitest'
import { backgroundControls, heatFor, mapsOf } from '../src/canvas/background'
import { BLANK, type Canvas, EMPTY } from '../src/canvas/canvas'
import { State } from '../src/canvas/state'
import { ViewState } from '../src/canvas/view'

vi.mock('../src/comfy', () => ({}))

const canvas = (...names: string[]): Canvas => ({
  ...BLANK,
  regions: [EMPTY, ...names.map((name) => ({ ...EMPTY, name }))],
})
const heat = (...names: string[]) => ({ picture: 'p', maps: names.map((name) => `map of ${name}`), names })

test('maps go to the regions that are called as they were', () => {
  expect(mapsOf(canvas('boat', 'moon'), heat('global', 'moon', 'boat', 'sun'))).toEqual([
    { region: 0, href: 'map of global' },
    { region: 2, href: 'map of moon' },
    { region: 1, href: 'map of boat' },
  ])
})

test('regions of one name take their maps in order, those without by their number', () => {
  const found = mapsOf(canvas('tree', '', 'tree'), heat('global', 'tree', 'region 2', 'tree'))
  expect(found.map(({ region }) => region)).toEqual([0, 1, 2, 3])
})

test('the newest heat that most regions still are there for', () => {
  const heats = [heat('global', 'dog', 'cat'), heat('global', 'boat', 'moon', 'sun'), heat('global', 'boat', 'moon')]
  expect(heatFor(canvas('boat', 'moon'), heats)).toBe(heats[1])
  expect(heatFor(canvas('boat'), heats)).toBeUndefined()
  expect(heatFor(canvas(), heats)).toBeUndefined()
})

test('the picture that was asked for last is shown, however long each takes to load', async () => {
  const loading: (() => void)[] = []
  vi.spyOn(Image.prototype, 'decode').mockImplementation(() => new Promise<void>((loaded) => loading.push(loaded)))
  vi.spyOn(Image.prototype, 'naturalWidth', 'get').mockReturnValue(1)
  vi.spyOn(Image.prototype, 'naturalHeight', 'get').mockReturnValue(1)
  const heats = [heat('global', 'boat')]
  const view = new ViewState({ aspect: 1, zoom: 1, snap: 5, background: null, heat: null })
  const pictures = { connected: () => 'connected', last: () => 'last', heats: () => heats }
  const element = backgroundControls(view, pictures, new State(canvas('boat')))
  const press = (name: string): void =>
    [...element.querySelectorAll('button')].find(({ textContent }) => textContent === `background.${name}`)!.click()
  const settle = (): Promise<unknown> => new Promise((done) => setTimeout(done))

  press('connected')
  press('last')
  loading.reverse().forEach((loaded) => loaded())
  await settle()
  expect(view.view.background?.href).toBe('last')
  press('connected')
  press('none')
  loading.at(-1)!()
  await settle()
  expect(view.view.background).toBeNull()

  press('heat')
  loading.at(-1)!()
  await settle()
  expect(view.view.background?.href).toBe('p')
  press('last')
  loading.at(-1)!()
  await settle()
  press('heat')
  await settle()
  expect([view.view.background?.href, view.view.heat]).toEqual(['last', null])
})
