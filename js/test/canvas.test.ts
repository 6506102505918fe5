import { describe, expect, it } from 'vitest'

import {
  BLANK,
  type Canvas,
  CanvasError,
  EMPTY,
  label,
  ownPrefixes,
  plain,
  read,
  readList,
  write,
} from '../src/canvas/canvas'

const PLACE = { rect: [0, 9, 0, 9] }
const FULL = [
  {
    rect: [0, 90, 0, 90],
    prefixes: ['A bay.'],
    suffixes: ['Calm.'],
    color: [1, 2, 3],
    from: '0123abcd',
    note: { by: [1] },
  },
  {
    rect: [0, 45, 10, 90],
    prefixes: ['A bay.', 'A gull, 海鸥.'],
    suffixes: ['White.', 'gull.'],
    color: [255, 255, 255],
    name: 'gull',
    tags: 1,
    negative: 'blurry',
    weight: 1.5,
    start: 0.1,
    end: 0.9,
    mask: 'iVBOR',
    loras: [{ file: 'birds/gull.safetensors', strength: 0.8 }],
    picture: { file: 'birds/gull at dusk.png', strength: 0.6 },
    editor: { locked: true, hidden: true },
    z: 7,
    'a b': 'x\ny',
    ['__proto__']: null,
    from: 'kept',
  },
]

describe('a list of regions', () => {
  it('survives reading and writing with keys that are not ours', () => {
    expect(JSON.parse(write(readList(FULL)))).toEqual(FULL)
    expect(write(read(write(readList(FULL))))).toBe(write(readList(FULL)))
    expect(readList(FULL).origin).toBe('0123abcd')
    expect(readList(FULL).regions[1]?.extra).toMatchObject({ z: 7, from: 'kept' })
  })

  it('keeps what other editors have noted of a region', () => {
    const region = { ...PLACE, editor: { locked: true, folded: [1] } }
    const { locked, extra } = readList([{}, region]).regions[1]!
    expect([locked, extra]).toEqual([true, { editor: { folded: [1] } }])
    const written = JSON.parse(write(readList([{}, region]))) as unknown[]
    expect(written[1]).toMatchObject({ editor: { locked: true, folded: [1] } })
  })

  it('is written a region a line, without what has its default', () => {
    const canvas: Canvas = {
      regions: [EMPTY, { ...EMPTY, rect: [1, 2, 3, 4], prefixes: ['a.'], name: 'b' }],
      origin: '',
    }
    expect(write(canvas)).toBe(
      '[\n{"rect":[0,90,0,90],"prefixes":[],"suffixes":[],"color":[128,128,128]},\n' +
        '{"rect":[1,2,3,4],"prefixes":["a."],"suffixes":[],"color":[128,128,128],"name":"b"}\n]',
    )
    expect(plain({ ...EMPTY, locked: true })['editor']).toEqual({ locked: true })
  })

  it('may leave out what has a default, and be null there', () => {
    expect(readList([{}])).toEqual(BLANK)
    expect(
      readList([{ rect: null, prefixes: null, color: null, tags: null, lora: null, picture: null, weight: null }]),
    ).toEqual(BLANK)
    expect(readList([{}, { ...PLACE, lora: { file: 'x' } }]).regions[1]?.loras).toEqual([{ file: 'x', strength: 1 }])
    expect(readList([{}, { ...PLACE, mask: 'data:image/png;base64,iVBOR' }]).regions[1]?.mask).toBe('iVBOR')
  })

  it('has one LoRA of a region by itself and several in a list', () => {
    const two = [
      { file: 'x', strength: 1 },
      { file: 'y', strength: -0.5 },
    ]
    const read = (lora: unknown): Canvas => readList([{}, { ...PLACE, lora }])
    for (const [lora, written] of [
      [[{ file: 'x' }], two[0]],
      [two, two],
      [[], undefined],
    ])
      expect(plain(read(lora).regions[1]!)['lora']).toEqual(written)
    expect(() => read(Array(9).fill(two[0]))).toThrow('a list of at most 8')
  })

  it('has pictures of the input folder only', () => {
    const read = (picture: unknown): unknown => readList([{}, { ...PLACE, picture }]).regions[1]!.picture
    for (const [name, file] of Object.entries({
      'gull.png': 'gull.png',
      'birds/gull.png': 'birds/gull.png',
      'birds\\gull.png': 'birds/gull.png',
      'gull.png [input]': 'gull.png',
      'gull [1].png': 'gull [1].png',
      '... .png': '... .png',
    }))
      expect(read({ file: name })).toEqual({ file, strength: 1 })
    for (const file of [
      ...['', ' ', '/etc/passwd.png', '../gull.png', 'birds/../../gull.png', 'birds\\..\\gull.png', './gull.png'],
      ...[
        'birds//gull.png',
        'birds/',
        'C:/gull.png',
        'c:gull.png',
        'C:\\gull.png',
        '\\\\server\\gull.png',
        '\\gull.png',
      ],
      ...['gull.png\0.txt', 'a'.repeat(1025), 'gull.png [output]', 'gull.png [temp]', 'gull.png[output]'],
      ...['gull.png [output] [input]', '[input]', '../gull.png [input]'],
    ])
      expect(() => read({ file }), file).toThrow("name of a picture in ComfyUI's input folder")
    for (const strength of [-0.1, 2.1, '1', null])
      expect(() => read({ file: 'gull.png', strength })).toThrow('a number from 0 to 2')
  })

  it('is no list with none of its keys', () => {
    expect(() => readList([{ foo: 1, bbox: [0, 0, 9, 9] }])).toThrow("none of a canvas's keys")
    expect(readList([{ foo: 1, name: 'sky' }]).regions[0].extra).toEqual({ foo: 1 })
  })

  // The cases of tests/unit/test_canvas_read.py.
  it.each<[unknown, RegExp, string | undefined]>([
    [5, /^Item 1 of the list is not a region/, undefined],
    [null, /not a region/, undefined],
    [[], /not a region/, undefined],
    [{ rect: undefined }, /rect is not there/, undefined],
    ...[
      [0, 91, 0, 90],
      [5, 5, 0, 90],
      [0, 90, 0],
      [0, 90, 0, 9.5],
      [-1, 9, 0, 9],
      ['0', 9, 0, 9],
      [false, 9, 0, 9],
      '0',
      5,
    ].map((rect): [unknown, RegExp, string] => [{ rect }, /rect is .*0 <= top < bottom <= 90/, 'rect']),
    [{ prefixes: 'a' }, /prefixes is not a list of texts/, 'prefixes'],
    [{ suffixes: ['a', 5] }, /suffixes is not a list of texts/, 'suffixes'],
    ...[[0, 0], [0, 0, 256], [0, 0, -1], [0, 0, 1.5], 'red'].map((color): [unknown, RegExp, string] => [
      { color },
      /color is .*from 0 to 255/,
      'color',
    ]),
    [{ tags: 1, suffixes: ['a'] }, /tags is not the number of one of the 1 suffixes, from 0/, 'tags'],
    [{ tags: 0 }, /tags is not/, 'tags'],
    [{ name: 5 }, /name is not a text/, 'name'],
    ...[-1, 101, '1', true, Infinity].map((weight): [unknown, RegExp, string] => [
      { weight },
      /weight is not a number from 0 to 100/,
      'weight',
    ]),
    [{ start: 0.5, end: 0.2 }, /end is not a number from 0.5 to 1/, 'end'],
    [{ mask: 5 }, /mask is not/, 'mask'],
    ...['x', { strength: 1 }, { file: '' }, { file: 'x', strength: '1' }].map((lora): [unknown, RegExp, string] => [
      { lora },
      /lora is .*name of a file/,
      'lora',
    ]),
  ])('is refused with %j in it, and the place is named', (item, said, key) => {
    const wrong = typeof item === 'object' && item !== null && !Array.isArray(item) ? { ...PLACE, ...item } : item
    try {
      readList([{}, wrong])
      expect.unreachable()
    } catch (error) {
      expect((error as CanvasError).message).toMatch(said)
      expect((error as CanvasError).path).toEqual(
        key && key in (wrong as object) && !/there/.test(String(said)) ? [1, key] : [1],
      )
    }
  })

  it.each([[5], [null], [{}], ['x'], [[]]])('is no %j', (value) => {
    expect(() => readList(value)).toThrow(CanvasError)
  })

  it('is refused where its origin is no text', () => {
    expect(() => readList([{ from: 5 }])).toThrow(/from is not a text/)
  })
})

describe('what a region is called', () => {
  const canvas = readList([
    { prefixes: ['A bay.'] },
    { ...PLACE, prefixes: ['A bay.', ' A gull, white.'] },
    { ...PLACE, prefixes: ['x'] },
  ])

  it('is its name, else how its own words begin', () => {
    expect([0, 1, 2, 3].map((number) => label(canvas, number))).toEqual(['A bay', 'A gull', 'x', ''])
    expect(label({ ...canvas, regions: [{ ...EMPTY, name: 'bay' }] }, 0)).toBe('bay')
    expect(label({ ...canvas, regions: [{ ...EMPTY, prefixes: ['x' + '😀'.repeat(50)] }] }, 0)).toBe(
      'x' + '😀'.repeat(39),
    )
  })

  it('does not take the global words for its own', () => {
    expect(canvas.regions.map((region) => ownPrefixes(canvas, region))).toEqual([[], [' A gull, white.'], ['x']])
  })
})
