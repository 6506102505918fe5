import { beforeEach, expect, test, vi } from 'vitest'

const asked: string[] = []
const put: string[] = []
vi.mock('../src/comfy', () => ({
  api: {
    fetchApi: (route: string) => {
      asked.push(route)
      return Promise.resolve(new Response('', { status: route.includes('gone') ? 404 : 200 }))
    },
  },
  upload: (_: Blob, name: string) => void put.push(name),
}))

const { bring, list } = await import('../src/templates')

beforeEach(() => {
  asked.length = put.length = 0
})

const load = (...values: unknown[]) => ({ type: 'LoadImage', widgets_values: values })

test('pictures of ours go to the input folder, each once, and no others', async () => {
  const [ours, own] = ['resonance-winter.jpg', 'winter.jpg']
  await bring({
    nodes: [load(ours, 'image'), load(ours, 'image'), load(own), { type: 'Note', widgets_values: [ours] }],
  })
  expect(put).toEqual([ours])
  expect(asked).toHaveLength(1)
  expect(asked[0]).toMatch(/^\/workflow_templates\/.*\/pictures\/resonance-winter.jpg$/)
})

test('what is not there is not put anywhere, and a workflow without nodes is none of ours', async () => {
  await bring({ nodes: [load('resonance-gone.jpg'), { type: 'LoadImage' }] })
  await bring({})
  expect(put).toEqual([])
})

test('a Load Image lists it, once', () => {
  const values = ['example.png']
  const widget = { name: 'image', type: 'combo', value: 'resonance-winter.jpg', options: { values } }
  const node = { widgets: [widget] } as unknown as Parameters<typeof list>[0]
  list(node)
  list(node)
  expect(values).toEqual(['example.png', 'resonance-winter.jpg'])
  widget.value = 'else.png'
  list(node)
  expect(values).toHaveLength(2)
})
