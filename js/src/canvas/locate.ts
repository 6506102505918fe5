// Places in a JSON text: where it is wrong, and where a value stands. JSON.parse says that in each browser's own way, if at all.

export type Path = readonly (string | number)[]

/** What is wrong with a text, and at which of its characters. */
export interface Fault {
  readonly offset: number
  readonly kind: 'value' | 'key' | 'colon' | 'object' | 'list' | 'string' | 'escape' | 'more' | 'end'
}

/** The first place at which a text is not JSON; null if it is. */
export function fault(text: string): Fault | null {
  return walk(text, () => false)
}

/** Where the value begins that a path leads to, or the nearest one around it. */
export function locate(text: string, path: Path): number {
  let found = 0
  walk(text, (at, open) => {
    if (open.length > path.length || !open.every((step, i) => step === path[i])) return false
    found = at
    return open.length === path.length
  })
  return found
}

export interface Position {
  /** Both from 1. */
  readonly line: number
  readonly column: number
}

export function position(text: string, offset: number): Position {
  let [line, begin] = [1, 0]
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1
    begin = at + 1
  }
  return { line, column: offset - begin + 1 }
}

const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

/**
 * Goes through all values of a text, without recursion: nesting has no limit. `visit` is told where each one begins and
 * the path that leads to it, and ends the walk with true.
 */
function walk(text: string, visit: (at: number, path: Path) => boolean): Fault | null {
  const path: (string | number)[] = []
  let at = 0
  let wanted: 'value' | 'item' | 'member' | 'key' | 'next' = 'value'

  const skip = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1
  }
  const close = (): void => {
    at += 1
    path.pop()
    wanted = 'next'
  }
  for (;;) {
    skip()
    const letter = text.charAt(at)
    if (wanted === 'next') {
      const step = path.at(-1)
      if (step === undefined) return letter ? { offset: at, kind: 'more' } : null
      const isList = typeof step === 'number'
      if (letter === (isList ? ']' : '}')) close()
      else if (letter === ',') {
        at += 1
        if (isList) path[path.length - 1] = step + 1
        wanted = isList ? 'value' : 'key'
      } else return { offset: at, kind: isList ? 'list' : 'object' }
    } else if (wanted === 'key' || wanted === 'member') {
      if (wanted === 'member' && letter === '}') {
        close()
        continue
      }
      if (letter !== '"') return { offset: at, kind: letter ? 'key' : 'end' }
      const begin = at
      const wrong = string()
      if (wrong) return wrong
      path[path.length - 1] = JSON.parse(text.slice(begin, at)) as string
      skip()
      if (text.charAt(at) !== ':') return { offset: at, kind: 'colon' }
      at += 1
      wanted = 'value'
    } else if (wanted === 'item' && letter === ']') close()
    else {
      if (visit(at, path)) return null
      wanted = 'next'
      if (letter === '[') {
        at += 1
        path.push(0)
        wanted = 'item'
      } else if (letter === '{') {
        at += 1
        path.push('')
        wanted = 'member'
      } else if (letter === '"') {
        const wrong = string()
        if (wrong) return wrong
      } else {
        LITERAL.lastIndex = at
        const length = LITERAL.exec(text)?.[0].length ?? 0
        if (!length) return { offset: at, kind: letter ? 'value' : 'end' }
        at += length
      }
    }
  }

  /** Goes behind the text in quotation marks that begins here. */
  function string(): Fault | null {
    const begin = at
    for (at += 1; ; at += 1) {
      const code = text.charCodeAt(at)
      if (code === 0x22) break
      // What is not closed goes on to the end of its line, or of the text.
      if (!(code >= 0x20))
        return code === 0x0a || Number.isNaN(code) ? { offset: begin, kind: 'string' } : { offset: at, kind: 'escape' }
      if (code !== 0x5c) continue
      ESCAPE.lastIndex = at
      const length = ESCAPE.exec(text)?.[0].length
      if (!length) return { offset: at, kind: 'escape' }
      at += length - 1
    }
    at += 1
    return null
  }
}
