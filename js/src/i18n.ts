// Texts of the browser part: `resonance` in locales/<language>/main.json. comfy.ts loads them.

export type Texts = { [key: string]: string | Texts }

let texts: readonly Texts[] = []

/** Sets the texts, in the languages to look in one after the other. */
export function setTexts(found: readonly Texts[]): void {
  texts = found
}

/** The text under a key such as `editor.undo`, with values for what stands in braces; the key where there is none. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  for (const language of texts) {
    let found: string | Texts | undefined = language
    for (const part of key.split('.')) found = typeof found === 'object' ? found[part] : undefined
    if (typeof found === 'string')
      return found.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all))
  }
  return key
}
