// The only file that touches ComfyUI. The types are structural and list no more than what is used: the published package
// of types is large, GPL, and at times cannot be installed.

export interface Widget {
  name: string
  type: string
  value: unknown
  hidden?: boolean
  serialize?: boolean
  options: Record<string, unknown>
  callback?: ((...values: unknown[]) => unknown) | undefined
}

export interface Input {
  name: string
  link: number | null
}

export interface Link {
  origin_id: number | string
}

export interface Graph {
  id?: string
  nodes: LGraphNode[]
  rootGraph?: Graph
  subgraphs?: Map<string, Graph>
  getNodeById(id: string | number): LGraphNode | null
  getLink?(id: number): Link | undefined
  add(node: LGraphNode): void
}

/** What the server says of a kind of node. */
interface NodeData {
  input: { required?: Record<string, [type: unknown, options?: Record<string, unknown>]> }
}

/** A node of a graph in API form. */
export interface ApiNode {
  class_type: string
  inputs: Record<string, unknown>
}

export type ApiGraph = Record<string, ApiNode>

/** A run as the history tells of it. */
export interface Run {
  readonly prompt: readonly unknown[]
  readonly outputs: Record<string, Output>
}

export interface LGraphNode {
  constructor: { nodeData?: NodeData }
  id: number | string
  type: string
  title: string
  comfyClass?: string
  widgets?: Widget[]
  inputs?: Input[]
  outputs?: { name: string }[]
  size: [number, number]
  pos: [number, number]
  graph?: Graph | null
  subgraph?: Graph
  /** What classic draws on the node. */
  imgs?: { readonly src: string }[] | undefined
  /** Which of them a person has enlarged. */
  imageIndex?: number | null
  addDOMWidget(name: string, type: string, element: HTMLElement, options?: Record<string, unknown>): Widget
  computeSize(): [number, number]
  setSize(size: [number, number]): void
  onExecuted?: ((output: Output) => void) | undefined
  onDragOver?: ((event: DragEvent) => boolean) | undefined
  /** Whether what was dropped was for the node. */
  onDragDrop?: ((event: DragEvent) => boolean | Promise<boolean>) | undefined
  onConnectionsChange?: ((...change: unknown[]) => void) | undefined
}

/** What a node has put under `ui`: lists by key. */
export type Output = Record<string, unknown>

/** A picture that the server knows. */
export interface Picture {
  filename: string
  subfolder: string
  type: string
}

export interface MenuItem {
  content: string
  callback: () => void
}

/** A setting of the front end; its name and tooltip are translated in locales/<language>/settings.json. */
export interface Setting {
  id: string
  category: [page: string, group: string, key: string]
  name: string
  tooltip?: string
  type: 'boolean' | 'combo' | 'slider' | 'text' | 'hidden'
  defaultValue: unknown
  options?: () => (string | { text: string; value: string })[]
  attrs?: Record<string, unknown>
  sortOrder?: number
}

export interface Command {
  id: string
  label: string
  icon?: string
  function: () => void
}

export interface SidebarTab {
  id: string
  icon: string
  title: string
  tooltip?: string
  type: 'custom'
  render(element: HTMLElement): void
  destroy?(): void
}

export interface Extension {
  name: string
  commands?: Command[]
  settings?: Setting[]
  keybindings?: { commandId: string; combo: { key: string; ctrl?: boolean; alt?: boolean; shift?: boolean } }[]
  getNodeMenuItems?(node: LGraphNode): (MenuItem | null)[]
  getSelectionToolboxCommands?(item: LGraphNode): string[]
  nodeCreated?(node: LGraphNode): void
  loadedGraphNode?(node: LGraphNode): void
  beforeConfigureGraph?(workflow: Workflow): Promise<void>
  setup?(): void | Promise<void>
}

/** A workflow as it is saved. */
export interface Workflow {
  nodes?: { type: string; widgets_values?: ArrayLike<unknown> }[]
}

interface ChangeTracker {
  captureCanvasState?(): void
  checkState?(): void
}

export interface App {
  registerExtension(extension: Extension): void
  graph: Graph
  rootGraph?: Graph
  canvas: {
    graph?: Graph | null
    ds: { visible_area: ArrayLike<number> }
    setDirty(foreground: boolean, background: boolean): void
    selected_nodes?: Record<string, LGraphNode>
    selectedItems?: Set<LGraphNode>
  }
  nodeOutputs?: Record<string, Output>
  /** Addresses of previews while a node works, by the same keys. */
  nodePreviewImages?: Record<string, string[]>
  /** What takes the next thing that is dropped. */
  dragOverNode: LGraphNode | null
  handleFile(file: File): Promise<void>
  extensionManager: {
    toast: { add(message: { severity: string; summary: string; detail?: string; life?: number }): void }
    setting: { get<T>(id: string): T | undefined; set(id: string, value: unknown): Promise<void> }
    workflow: { activeWorkflow?: { changeTracker?: ChangeTracker | null } | null }
    sidebarTab: { activeSidebarTabId: string | null; toggleSidebarTab(id: string): void }
    command: { execute(id: string): Promise<void> }
    registerSidebarTab(tab: SidebarTab): void
  }
}

/** What the server says of a node for which it refuses to run a graph. */
export interface Refusal {
  readonly class_type: string
  readonly errors: readonly {
    readonly type: string
    readonly message: string
    readonly details: string
  }[]
}

export type Refusals = Readonly<Record<string, Refusal>>

interface Answer {
  readonly node_errors?: Refusals
}

export interface Api extends EventTarget {
  fetchApi(route: string, init?: RequestInit): Promise<Response>
  apiURL(route: string): string
  queuePrompt(...given: unknown[]): Promise<Answer>
}

import { setTexts, t, type Texts } from './i18n'
// @ts-expect-error served by ComfyUI
import { app as runningApp } from '../../../scripts/app.js'
// @ts-expect-error served by ComfyUI
import { api as runningApi } from '../../../scripts/api.js'

declare const LiteGraph: {
  createNode(type: string): LGraphNode | null
  registered_node_types: Record<string, LGraphNode['constructor']>
}

/** Id of the gallery's sidebar tab. */
export const GALLERY = 'resonance.rounds'

export const app = runningApp as App
export const api = runningApi as Api

/** Listens to an event of the server. Returns what stops it. */
export function on<T>(type: string, listener: (detail: T) => void): () => void {
  const heard = (event: Event): void => listener((event as CustomEvent<T>).detail)
  api.addEventListener(type, heard)
  return () => api.removeEventListener(type, heard)
}

/** Tells that a graph is sent, and for which nodes the server refuses it: the front end has no event for that. */
export function onSend(sending: () => void, refused: (nodes: Refusals) => void): void {
  const send = api.queuePrompt
  api.queuePrompt = async (...given) => {
    sending()
    let answer: Answer | undefined
    try {
      return (answer = await send.apply(api, given))
    } catch (error) {
      answer = (error as { readonly response?: Answer }).response
      throw error
    } finally {
      refused(answer?.node_errors ?? {})
    }
  }
}

/** What the server says of an input or a node. It writes the input before what a node says of it. */
export function sentenceOf({ type, message, details }: Refusal['errors'][number]): string {
  return type === 'custom_validation_failed' ? details.replace(/^[\w.]+ - /, '') : `${message}: ${details}`
}

/** Asks a route of the server. Throws an Error with the sentence that the server answers with when it refuses. */
export async function ask<T>(route: string, body?: unknown): Promise<T> {
  const init =
    body === undefined
      ? undefined
      : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  const answer = await api.fetchApi(route, init).catch(() => {
    throw new Error(t('server.gone'))
  })
  const said = (await answer.json().catch(() => ({}))) as T & { error?: string }
  if (!answer.ok) throw new Error(said.error ?? `${answer.status} ${answer.statusText}`)
  return said
}

let texts: Promise<void> | undefined

/** Loads what `t` knows, once; the server hands it out with everybody's. */
export function loadTexts(): Promise<void> {
  texts ??= ask<Record<string, { resonance?: Texts }>>('/i18n').then(
    (all) => {
      const language = app.extensionManager.setting.get<string>('Comfy.Locale') ?? 'en'
      setTexts([all[language]?.resonance, all['en']?.resonance].filter((found) => found !== undefined))
    },
    () => {
      texts = undefined
    },
  )
  return texts
}

/** Puts a file below one of ComfyUI's folders. Returns where it lies. Throws an Error if that fails. */
export async function upload(
  file: Blob,
  name: string,
  type: 'input' | 'temp' = 'input',
  subfolder = '',
): Promise<Picture> {
  const body = new FormData()
  body.append('image', file, name)
  body.append('type', type)
  body.append('subfolder', subfolder)
  const answer = await api.fetchApi('/upload/image', { method: 'POST', body }).catch(() => {
    throw new Error(t('server.gone'))
  })
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`.trim())
  const lies = (await answer.json()) as Omit<Picture, 'filename'> & { name: string }
  return { filename: lies.name, subfolder: lies.subfolder, type: lies.type }
}

/** Address of a picture that the server knows. */
export function viewUrl(picture: Picture): string {
  return api.apiURL(`/view?${new URLSearchParams({ ...picture })}`)
}

function root(): Graph {
  return app.rootGraph ?? app.graph
}

/** The node that the server calls by that id: a path through subgraphs, `10:1` being node 1 in subgraph node 10. */
export function findNode(id: string): LGraphNode | null {
  let graph: Graph | undefined = root()
  let node: LGraphNode | null = null
  for (const part of id.split(':')) {
    node = graph?.getNodeById(part) ?? graph?.getNodeById(Number(part)) ?? null
    graph = node?.subgraph
  }
  return node
}

/** Finds a node again, also after it was built anew, as undo does; but in no other workflow, where ids begin anew. */
export function finder(node: LGraphNode): () => LGraphNode | null {
  const id = node.id
  const inside = node.graph && node.graph !== root() ? node.graph.id : undefined
  const workflow = app.extensionManager.workflow.activeWorkflow
  return () => {
    if (app.extensionManager.workflow.activeWorkflow !== workflow) return null
    return (inside === undefined ? root() : root().subgraphs?.get(inside))?.getNodeById(id) ?? null
  }
}

/** What the last run put under `ui` of a node, if it is known. */
export function outputOf(node: LGraphNode): Output | undefined {
  return app.nodeOutputs?.[keyOf(node)]
}

/** Addresses of what a node shows while it works. */
export function previewsOf(node: LGraphNode): readonly string[] {
  return app.nodePreviewImages?.[keyOf(node)] ?? []
}

function keyOf(node: LGraphNode): string {
  const inside = node.graph && node.graph !== root() ? `${node.graph.id}:` : ''
  return `${inside}${node.id}`
}

/** The inputs that a kind of node must have, with their options. */
export function inputsOf(type: string): Record<string, [type: unknown, options?: Record<string, unknown>]> {
  return LiteGraph.registered_node_types[type]?.nodeData?.input.required ?? {}
}

/** The nodes that are selected in the graph in view. */
export function selectedNodes(): LGraphNode[] {
  return [...(app.canvas.selectedItems ?? Object.values(app.canvas.selected_nodes ?? {}))]
}

/** Adds a node in the middle of what is in view. */
export function addNode(type: string): LGraphNode | null {
  const node = LiteGraph.createNode(type)
  if (!node) return null
  const [x = 0, y = 0, width = 0, height = 0] = Array.from(app.canvas.ds.visible_area)
  node.pos = [x + (width - node.size[0]) / 2, y + (height - node.size[1]) / 2]
  ;(app.canvas.graph ?? app.graph).add(node)
  return node
}

/** Adds a node to the right of another. */
export function addBeside(type: string, other: LGraphNode): LGraphNode | null {
  const node = LiteGraph.createNode(type)
  if (!node || !other.graph) return null
  node.pos = [other.pos[0] + other.size[0] + 40, other.pos[1]]
  other.graph.add(node)
  return node
}

/** Says something in a corner of the page, for a few seconds. */
export function tell(summary: string): void {
  app.extensionManager.toast.add({ severity: 'info', summary, life: 5000 })
}

/** Makes what was changed since the last call one step of the workflow's undo. */
export function captureUndo(): void {
  const tracker = app.extensionManager.workflow.activeWorkflow?.changeTracker
  if (tracker?.captureCanvasState) tracker.captureCanvasState()
  else tracker?.checkState?.()
}

/** A node on its way to the server. The front end makes one of each when it sends a graph, those in subgraphs too. */
interface Sent {
  readonly node: LGraphNode
  readonly mode: number
  readonly inputs: readonly Pick<Input, 'name'>[]
  resolveInput(slot: number, visited: Set<string>): unknown
  resolveOutput(slot: number, type: unknown, visited: Set<string>): unknown
}

const BYPASSED = 4

/**
 * Says what bypassed nodes hand on. ComfyUI itself takes the input with the output's number, else the first of its type.
 * It shows nobody the class that does so: a graph that is made for this brings one out.
 *
 * `source` gives the name of the input behind an output, null for none, undefined to leave it to ComfyUI.
 */
export async function onBypass(source: (node: LGraphNode, output: string) => string | null | undefined): Promise<void> {
  let caught: Sent | undefined
  const bait = {
    id: 0,
    graph: {},
    inputs: [],
    mode: 0,
    isVirtualNode: true,
    isSubgraphNode: () => true,
    getInnerNodes(sent: Map<string, Sent>): Sent[] {
      caught ??= [...sent.values()][0]
      return []
    },
  }
  const graph = { computeExecutionOrder: () => [bait], serialize: () => ({ nodes: [] }) }
  // Not the page's own function: other packs put theirs in its place.
  await Object.getPrototypeOf(app).graphToPrompt.call(app, graph)
  const kind = Object.getPrototypeOf(caught) as Sent
  const { resolveOutput } = kind
  kind.resolveOutput = function (slot, type, visited) {
    const name = this.mode === BYPASSED ? source(this.node, this.node.outputs?.[slot]?.name ?? '') : undefined
    if (name === undefined) return resolveOutput.call(this, slot, type, visited)
    const input = this.inputs.findIndex((each) => each.name === name)
    return input < 0 ? undefined : this.resolveInput(input, visited)
  }
}
