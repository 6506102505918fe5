// What nodes have put out since the page opened, newest first: the one thing that has to be listened to from the start.

import { app, on, type Output, type Picture } from './comfy'

const KEPT = 30

interface Noted {
  readonly node: string
  readonly output: Output
}

/** Where the words of regions acted: the picture, and a grey map for each part, the global words first. */
export interface HeatOutput {
  readonly picture: Picture
  readonly maps: readonly Picture[]
  readonly names: readonly string[]
}

let noted: readonly Noted[] = []

/** Begins to listen. */
export function noteOutputs(): void {
  on<{ node: string; output: Output | null }>('executed', ({ node, output }) => {
    if (!output || !(images(output).length || heat(output))) return
    noted = [{ node, output }, ...noted.filter((other) => other.node !== node)].slice(0, KEPT)
  })
}

/** Newest first; what came before the page was opened, or with a workflow, at the end. */
function all(): Output[] {
  return [...noted.map(({ output }) => output), ...Object.values(app.nodeOutputs ?? {})]
}

/** The newest picture that a node put out. */
export function lastPicture(): Picture | undefined {
  return all()
    .map(images)
    .find((found) => found.length)
    ?.at(-1)
}

/** What Region Heat nodes put out, newest first. */
export function heats(): HeatOutput[] {
  return all()
    .map(heat)
    .filter((found) => found !== undefined)
}

/** What Tag Images and Caption Images say of pictures: the words, what is noted beside, and last what made them. */
export function speech(text: string): { words: string; notes: string[]; by: string } {
  const paragraphs = text.split('\n\n')
  const by = paragraphs.pop() ?? ''
  const isNote = (paragraph: string): boolean => paragraph.startsWith('Note: ')
  return { words: paragraphs.filter((each) => !isNote(each)).join('\n\n'), notes: paragraphs.filter(isNote), by }
}

/** Pictures of an output that a browser can show. */
export function images(output: Output): Picture[] {
  const found = output['images']
  return Array.isArray(found)
    ? (found as Picture[]).filter((picture) => /\.(png|jpe?g|webp|gif|avif)$/i.test(picture?.filename ?? ''))
    : []
}

function heat(output: Output): HeatOutput | undefined {
  return (output['resonance_heat'] as HeatOutput[] | undefined)?.[0]
}
