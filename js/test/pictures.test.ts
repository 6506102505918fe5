import { expect, test, vi } from 'vitest'
import { type LGraphNode, type Picture } from '../src/comfy'
import { picturesOf } from '../src/pictures'

const seen = { filename: 'seen.png', subfolder: '', type: 'temp' }
vi.mock('../src/comfy', () => ({
  app: {},
  on: vi.fn(),
  outputOf: () => ({ resonance_background: [seen] }),
  viewUrl: ({ type, subfolder, filename }: Picture) => `${type}:${subfolder}:${filename}`,
}))
vi.mock('../src/i18n', () => ({ t: (key: string) => key }))

const shown = (value: string, link: number | null = null, type = 'LoadImage'): string | null => {
  const origin = { type, widgets: [{ name: 'image', value }], inputs: [{ name: 'image', link }] }
  const graph = { getNodeById: () => origin, getLink: () => ({ origin_id: 2, origin_slot: 0 }) }
  return picturesOf({ graph, inputs: [{ name: 'image', link: 1 }] } as unknown as LGraphNode).connected()
}

test('a connected Load Image shows its file before it has run', () => {
  expect(shown('cat.png')).toBe('input::cat.png')
  expect(shown('a/b/cat [1].png [output]')).toBe('output:a/b:cat [1].png')
})

test('anything else shows what the last run saw', () => {
  expect(shown('cat.png', 7)).toBe('temp::seen.png')
  expect(shown('cat.png', null, 'Blur')).toBe('temp::seen.png')
  expect(picturesOf({ inputs: [{ name: 'image', link: null }] } as unknown as LGraphNode).connected()).toBeNull()
})
