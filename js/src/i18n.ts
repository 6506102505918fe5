// Texts of the browser part: `resonance` in locales/<language>/main.json, which the server hands out with everybody's.

import { app, ask } from './comfy'

type Texts = { [key: string]: string | Texts }

let texts: Texts[] = []
let loaded: Promise<void> | undefined

/** Loads the texts, once. Until then, and for what has no text, `t` gives the key. */
export function loadTexts(): Promise<void> {
  loaded ??= ask<Record<string, { resonance?: Texts }>>('/i18n').then(
    (all) => {
      const language = app.extensionManager.setting.get<string>('Comfy.Locale') ?? 'en'
      texts = [all[language]?.resonance, all['en']?.resonance].filter((found) => found !== undefined)
    },
    () => {
      loaded = undefined
    },
  )
  return loaded
}

/** The text under a key such as `editor.undo`, with values for what stands in braces. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  for (const language of texts) {
    let found: string | Texts | undefined = language
    for (const part of key.split('.')) found = typeof found === 'object' ? found[part] : undefined
    if (typeof found === 'string')
      return found.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all))
  }
  return key
}
