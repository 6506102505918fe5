// No file of src/ imports itself in a circle, neither for a type nor later, when it is needed.

import { expect, it } from 'vitest'

type Sources = Readonly<Record<string, string>>

const SOURCES: Sources = import.meta.glob('../src/**/*.ts', { query: '?raw', import: 'default', eager: true })

/** The files of `sources` that one of them imports. */
function imported(file: string, sources: Sources): string[] {
  const names = [...(sources[file] ?? '').matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, name]) => name)
  return names
    .map((name) => `..${new URL(`${name}.ts`, `file:///test/${file}`).pathname}`)
    .filter((name) => name in sources)
}

/** A way from a file back to itself, if there is one. */
function circle(sources: Sources): string | undefined {
  const ended = new Set<string>()
  const visit = (file: string, way: readonly string[]): string | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file].join(' -> ')
    if (ended.has(file)) return undefined
    for (const following of imported(file, sources)) {
      const found = visit(following, [...way, file])
      if (found) return found
    }
    ended.add(file)
    return undefined
  }
  return Object.keys(sources)
    .map((file) => visit(file, []))
    .find((found) => found !== undefined)
}

it('imports nothing in a circle', () => {
  expect(circle(SOURCES)).toBeUndefined()
})

it.each([
  ['../src/i18n.ts', "import { app } from './comfy'", '../src/comfy.ts'],
  ['../src/canvas/locate.ts', "import { type Source } from './source_text'", '../src/canvas/source_text.ts'],
  ['../src/node.ts', "const main = () => import('./main')", '../src/main.ts'],
])('finds a circle that is planted in %s', (file, line, imported) => {
  expect(circle({ ...SOURCES, [file]: `${line}\n${SOURCES[file]}` })).toContain(`${file} -> ${imported}`)
})
