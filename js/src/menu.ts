// What the menus of nodes with a session offer: the way to the gallery, and a new session.

import { app, ask, captureUndo, GALLERY, type LGraphNode } from './comfy'
import { widgetOf } from './effective'
import { showSession } from './gallery/gallery'

/** Opens the gallery at the node's session, or as it was left. */
export function showRounds(node: LGraphNode): void {
  const session = sessionOf(node)?.value
  if (typeof session === 'string') showSession(session)
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

function sessionOf(node: LGraphNode): ReturnType<typeof widgetOf> {
  return widgetOf(node, 'session') ?? widgetOf(node, 'save_as.session')
}
