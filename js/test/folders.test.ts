import { beforeEach, describe, expect, it, vi } from 'vitest'

const handlers = vi.hoisted(() => ({ app: {}, ask: vi.fn(), upload: vi.fn() }))
vi.mock('../src/comfy', () => ({ ...handlers, captureUndo: vi.fn(), finder: vi.fn(), loadTexts: vi.fn() }))

import { filesIn, some } from '../src/folders'
import { setTexts } from '../src/i18n'

/** A folder as a drop hands it out: read a few entries at a time. */
function folder(name: string, entries: readonly unknown[], piece = 2): FileSystemDirectoryEntry {
  let at = 0
  const readEntries = (done: (found: unknown[]) => void): void => done(entries.slice(at, (at += piece)))
  return { name, isDirectory: true, createReader: () => ({ readEntries }) } as unknown as FileSystemDirectoryEntry
}

function file(name: string): unknown {
  return { name, isDirectory: false, file: (done: (file: File) => void) => done(new File([''], name)) }
}

beforeEach(() => setTexts([{ folders: { more: 'and {n} more' } }]))

describe('a folder that is dropped', () => {
  it('is read to its end, with the folders inside, without hidden files', async () => {
    const inner = folder('sea', [file('3.png'), folder('deep', [file('4.png')])])
    const found = await filesIn(
      folder('holiday', [file('1.png'), file('.DS_Store'), file('2.png'), inner, file('5.png')]),
    )
    expect(found.map(({ file, inside }) => `${inside}/${file.name}`)).toEqual([
      '/1.png',
      '/2.png',
      '/sea/3.png',
      '/sea/deep/4.png',
      '/5.png',
    ])
  })

  it('may be empty', async () => expect(await filesIn(folder('empty', []))).toEqual([]))
})

it('names the first of many', () => {
  expect(some(['a', 'b'])).toBe('a, b')
  expect(some(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a, b, c, d, e and 2 more')
})
