// A layout as resonance/canvas has it: one global region and more on a grid of 90 x 90 cells, and its JSON list.

export const GRID = 90
export const STRONGEST = 100
/** Most LoRAs of one region. */
export const LORAS = 8
/** Largest strength of a picture. */
export const STRONGEST_PICTURE = 2
/** Most letters of the name of a picture, as in resonance/canvas/listing.py. */
const LONGEST_NAME = 1024
/** Most letters of a canvas in JSON, and most regions with the global one: as in resonance/canvas/read.py. */
export const LETTERS = 2 ** 23
export const REGIONS = 500
/** Letters of a region's words that stand for its name. */
const LABEL = 40
const GREY: Color = [128, 128, 128]

/** In cells; 0 <= top < bottom <= 90, 0 <= left < right <= 90. */
export type Rect = readonly [top: number, bottom: number, left: number, right: number]
/** Red, green, blue, 0 to 255. */
export type Color = readonly [number, number, number]

export interface Lora {
  readonly file: string
  readonly strength: number
}

/** What a region shall look like. */
export interface RegionPicture {
  /** Its name in ComfyUI's input folder. */
  readonly file: string
  /** From 0 to 2; 0 takes it out. */
  readonly strength: number
}

export interface Region {
  readonly rect: Rect
  /** What every bag of its words begins with: the global prefixes, then its own. */
  readonly prefixes: readonly string[]
  readonly suffixes: readonly string[]
  readonly color: Color
  readonly name: string
  /** Which of the suffixes is the line of tags. */
  readonly tags: number | null
  readonly negative: string
  readonly weight: number
  readonly start: number
  readonly end: number
  /** Its shape inside the rectangle: a grey PNG in base64, or empty. */
  readonly mask: string
  readonly loras: readonly Lora[]
  readonly picture: RegionPicture | null
  /** Cannot be moved in the editor. */
  readonly locked: boolean
  /** Is not drawn in the editor; it acts all the same. */
  readonly hidden: boolean
  /** Keys of its JSON that are not ours. */
  readonly extra: Readonly<Record<string, unknown>>
}

export interface Canvas {
  /** The global region, then the others from far to near. */
  readonly regions: readonly [Region, ...Region[]]
  /** Digest of the canvas that this one was edited from; empty if from none. */
  readonly origin: string
}

export const WHOLE: Rect = [0, GRID, 0, GRID]

export const EMPTY: Region = {
  rect: WHOLE,
  prefixes: [],
  suffixes: [],
  color: GREY,
  name: '',
  tags: null,
  negative: '',
  weight: 1,
  start: 0,
  end: 1,
  mask: '',
  loras: [],
  picture: null,
  locked: false,
  hidden: false,
  extra: {},
}

export const BLANK: Canvas = { regions: [EMPTY], origin: '' }

/** Something is no canvas. `path` leads to what is wrong, such as `[2, 'rect']`. */
export class CanvasError extends Error {
  constructor(
    message: string,
    readonly path: readonly (string | number)[] = [],
  ) {
    super(message)
  }
}

/** The canvas in a JSON text. Throws a SyntaxError or a CanvasError. */
export function read(text: string): Canvas {
  return readList(JSON.parse(text))
}

const OWN = [
  ...['rect', 'prefixes', 'suffixes', 'color', 'name', 'tags'],
  ...['negative', 'weight', 'start', 'end', 'mask', 'lora', 'picture', 'from'],
]

/** The canvas in a list that has been parsed. Throws a CanvasError. */
export function readList(value: unknown): Canvas {
  if (!Array.isArray(value)) throw new CanvasError('A canvas in JSON is a list of regions.')
  const [first, ...others] = value.map(readRegion)
  if (!first) throw new CanvasError('The list of regions is empty: its first item is the global one.')
  const keys = value.flatMap((item) => Object.keys(item as object))
  if (keys.length && !keys.some((key) => OWN.includes(key)))
    throw new CanvasError("The list has none of a canvas's keys, such as rect, prefixes and suffixes.", [0])
  const origin = (value[0] as Record<string, unknown>)['from'] ?? ''
  if (!isText(origin)) throw new CanvasError('Item 0 of the list: from is not a text.', [0, 'from'])
  return { regions: [first, ...others], origin }
}

function readRegion(value: unknown, number: number): Region {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CanvasError(`Item ${number} of the list is not a region: an object in {}.`, [number])
  const { from, editor, ...fields } = value as Record<string, unknown>
  const wrong = (key: string, wanted: string): CanvasError =>
    new CanvasError(`Item ${number} of the list: ${key} is not ${wanted}.`, key in fields ? [number, key] : [number])
  const take = <T>(key: string, usual: T, wanted: string, check: (found: unknown) => found is T): T => {
    const found = fields[key]
    delete fields[key]
    if (found === undefined || found === null) return usual
    if (!check(found)) {
      fields[key] = found
      throw wrong(key, wanted)
    }
    return found
  }
  const texts = (key: string): readonly string[] =>
    take(key, [], 'a list of texts', (found): found is string[] => Array.isArray(found) && found.every(isText))
  const number_ = (key: string, low: number, high: number, usual: number): number =>
    take(key, usual, `a number from ${low} to ${high}`, (found): found is number => isWithin(found, low, high))
  const text = (key: string): string => take(key, '', 'a text', isText)

  const rect = take<Rect | null>(
    'rect',
    number === 0 ? WHOLE : null,
    `[top, bottom, left, right] in whole cells with 0 <= top < bottom <= ${GRID} and 0 <= left < right <= ${GRID}`,
    isRect,
  )
  if (!rect) throw wrong('rect', 'there: it is [top, bottom, left, right] in whole cells')
  const prefixes = texts('prefixes')
  const suffixes = texts('suffixes')
  const start = number_('start', 0, 1, 0)
  const { locked, hidden, ...states } = (typeof editor === 'object' && editor !== null ? editor : {}) as Record<
    string,
    unknown
  >
  const region = {
    rect,
    prefixes,
    suffixes,
    color: take('color', GREY, '[red, green, blue] in whole numbers from 0 to 255', isColor),
    name: text('name'),
    tags: take<number | null>(
      'tags',
      null,
      `the number of one of the ${suffixes.length} suffixes, from 0`,
      (found): found is number => Number.isInteger(found) && isWithin(found, 0, suffixes.length - 1),
    ),
    negative: text('negative'),
    weight: number_('weight', 0, STRONGEST, 1),
    start,
    end: number_('end', start, 1, 1),
    mask: text('mask').replace(/^data:image\/png;base64,/, ''),
    loras: loras(
      take<Lora | readonly Lora[] | null>(
        'lora',
        null,
        `{"file": name of a file, "strength": a number}, or a list of at most ${LORAS} of these`,
        isLoras,
      ),
    ),
    picture: picture(
      take<RegionPicture | null>(
        'picture',
        null,
        `{"file": name of a picture in ComfyUI's input folder, "strength": a number from 0 to ${STRONGEST_PICTURE}}`,
        isPicture,
      ),
    ),
    locked: locked === true,
    hidden: hidden === true,
  }
  if (number > 0 && from !== undefined) fields['from'] = from
  if (Object.keys(states).length) fields['editor'] = states
  return { ...region, extra: fields }
}

/** The canvas as JSON, a region a line; what has its default is left out. */
export function write(canvas: Canvas): string {
  return `[\n${canvas.regions.map((region, i) => JSON.stringify(plain(region, i === 0 ? canvas.origin : ''))).join(',\n')}\n]`
}

/** A region as it stands in JSON. */
export function plain(region: Region, origin = ''): Record<string, unknown> {
  const { rect, prefixes, suffixes, color, loras, locked, hidden, extra, ...optional } = region
  const item: Record<string, unknown> = { rect, prefixes, suffixes, color }
  for (const [key, value] of Object.entries(optional)) if (value !== EMPTY[key as keyof Region]) item[key] = value
  if (loras.length) item['lora'] = loras.length > 1 ? loras : loras[0]
  if (origin) item['from'] = origin
  const { editor, ...unknown } = extra
  const states = { ...(locked && { locked }), ...(hidden && { hidden }), ...(editor as object | undefined) }
  if (Object.keys(states).length) item['editor'] = states
  return { ...item, ...unknown }
}

/** The prefixes of a local region without the global ones that they begin with. */
export function ownPrefixes(canvas: Canvas, region: Region): readonly string[] {
  const shared = canvas.regions[0].prefixes
  return shared.every((prefix, i) => region.prefixes[i] === prefix)
    ? region.prefixes.slice(shared.length)
    : region.prefixes
}

/** What a person calls a region: its name, else how its words begin. Empty where it has neither. */
export function label(canvas: Canvas, number: number): string {
  const region = canvas.regions[number]
  if (!region) return ''
  const own = number === 0 ? region.prefixes : ownPrefixes(canvas, region)
  const described = (own.at(-1) ?? '').split(',')[0] ?? ''
  return region.name || [...described.replace(/^[ .]+|[ .]+$/g, '').slice(0, 2 * LABEL)].slice(0, LABEL).join('')
}

/** As CSS has it: `#rrggbb`. */
export function hex(color: Color): string {
  return '#' + color.map((part) => part.toString(16).padStart(2, '0')).join('')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isWithin(value: unknown, low: number, high: number): value is number {
  return typeof value === 'number' && low <= value && value <= high
}

function isRect(value: unknown): value is Rect {
  if (!Array.isArray(value) || value.length !== 4 || !value.every((edge) => Number.isInteger(edge))) return false
  const [top, bottom, left, right] = value as unknown as Rect
  return 0 <= top && top < bottom && bottom <= GRID && 0 <= left && left < right && right <= GRID
}

function isColor(value: unknown): value is Color {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((part) => Number.isInteger(part) && isWithin(part, 0, 255))
  )
}

/** One alone need not be in a list, as older canvases have it. */
function isLoras(value: unknown): value is Lora | readonly Lora[] {
  return isLora(value) || (Array.isArray(value) && value.length <= LORAS && value.every(isLora))
}

function loras(value: Lora | readonly Lora[] | null): readonly Lora[] {
  const found = value === null ? [] : 'file' in value ? [value] : value
  return found.map(({ file, strength }) => ({ file, strength: (strength as number | undefined) ?? 1 }))
}

function isPicture(value: unknown): value is RegionPicture {
  if (typeof value !== 'object' || value === null) return false
  const { file, strength } = value as Record<string, unknown>
  return (
    isText(file) && inInputFolder(file) !== null && (strength === undefined || isWithin(strength, 0, STRONGEST_PICTURE))
  )
}

function picture(value: RegionPicture | null): RegionPicture | null {
  return value && { file: inInputFolder(value.file)!, strength: (value.strength as number | undefined) ?? 1 }
}

/** The name of a file below ComfyUI's input folder, without the mark that Load Image may put behind it; null: it is no such name. */
function inInputFolder(value: string): string | null {
  const name = value.replace(/ ?\[input\]$/, '').replaceAll('\\', '/')
  const leadsOut = /^[a-z]:/i.test(name) || name.split('/').some((part) => ['', '.', '..'].includes(part))
  const strange = /\0|\[(input|output|temp)\]$/.test(name) || name.length > LONGEST_NAME || !name.trim()
  return leadsOut || strange ? null : name
}

function isLora(value: unknown): value is Lora {
  if (typeof value !== 'object' || value === null) return false
  const { file, strength } = value as Record<string, unknown>
  return isText(file) && file.trim() !== '' && (strength === undefined || isWithin(strength, -STRONGEST, STRONGEST))
}
