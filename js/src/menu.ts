// What the menus of nodes offer: the way to the gallery, a new session, words and the folder to be copied.

import { app, ask, captureUndo, GALLERY, type LGraphNode, tell } from './comfy'
import { copy } from './copy'
import { widgetOf } from './effective'
import { showSession } from './gallery/gallery'
import { t } from './i18n'
import { wordsOf } from './said'

/** Opens the gallery at the node's session, or as it was left. */
export function showRounds(node: LGraphNode): void {
  const session = namedBy(node)
  if (session) showSession(session)
  const tabs = app.extensionManager.sidebarTab
  if (tabs.activeSidebarTabId !== GALLERY) tabs.toggleSidebarTab(GALLERY)
}

/** Gives the node the name of a session that there is none of. */
export async function newSession(node: LGraphNode): Promise<void> {
  const widget = sessionOf(node)
  if (!widget) return
  const taken = new Set((await ask<{ session: string }[]>('/resonance/rounds')).map(({ session }) => session))
  const stem = String(widget.value).replace(/ \d+$/, '')
  let number = 2
  while (taken.has(`${stem} ${number}`)) number++
  widget.value = `${stem} ${number}`
  captureUndo()
}

/** Copies what the node says, for a prompt. */
export async function copyWords(node: LGraphNode): Promise<void> {
  const words = wordsOf(node)
  if (!words) return tell(t('node.no_words'))
  tell(t((await copy(words)) ? 'node.copied_words' : 'node.not_copied'))
}

/** Copies the path of the folder of the node's session: a page cannot open a file manager. */
export async function copyFolder(node: LGraphNode): Promise<void> {
  const session = namedBy(node)
  if (!session) return tell(t('node.no_session'))
  try {
    const { folder } = await ask<{ folder: string }>(`/resonance/rounds/${encodeURIComponent(session)}/folder`)
    tell((await copy(folder)) ? t('node.copied_folder', { folder }) : t('node.not_copied'))
  } catch (error) {
    tell((error as Error).message)
  }
}

/** The session that a node works on: Round Output has it from where its item comes from. */
function namedBy(node: LGraphNode): string {
  const own = sessionOf(node)?.value
  if (typeof own === 'string') return own
  const link = node.inputs?.find(({ name }) => name === 'item')?.link
  const origin = node.graph?.getNodeById(node.graph.getLink?.(link ?? -1)?.origin_id ?? -1)
  return origin ? namedBy(origin) : ''
}

function sessionOf(node: LGraphNode): ReturnType<typeof widgetOf> {
  return widgetOf(node, 'session') ?? widgetOf(node, 'save_as.session')
}
