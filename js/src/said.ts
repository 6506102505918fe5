// What nodes say, as text on them: whole, to be selected, there again after a reload.

import {
  app,
  ask,
  findNode,
  type LGraphNode,
  loadTexts,
  type Output,
  outputOf,
  type Refusal,
  type Run,
  sentenceOf,
} from './comfy'
import { addStyle, h } from './dom'
import { widgetOf } from './effective'
import { addHost, keepMounted, makeRoom, mountAgain } from './host'
import { t } from './i18n'
import { speech } from './outputs'
import css from './said.css?inline'

const LINE = 16
const LINES = 12
/** Of the button below the text. */
const BUTTON = 30
/** Above and below the element, of a node in classic. */
const MARGINS = 20
/** Runs of the history in which a workflow's words are looked for when its page was opened anew. */
const RECENT = 10
/** Milliseconds after which outputs that are kept with a workflow have been put back. */
const RESTORED = 500

/** Nodes that say how far a session is. */
const COUNTING = new Set(['ResonanceRoundInput', 'ResonanceExplore', 'ResonancePromptLines'])

/** Of graphs that were loaded in API form, and are anybody's. */
const UNNAMED = '00000000-0000-0000-0000-000000000000'

interface Said {
  readonly element: HTMLTextAreaElement
  /** Makes pictures again that are gone. */
  readonly again: HTMLButtonElement
  height: number
}

const known = new WeakMap<LGraphNode, Said>()
/** Nodes that have begun to work, and those that have said something, since the run began. */
let begun = new Set<LGraphNode>()
let heard = new Set<LGraphNode>()
let asked = ''

/** Says it on the node, in place of what was there. */
export function say(id: string, text: string, problem = false): void {
  const node = findNode(id)
  if (!node) return
  heard.add(node)
  show(node, text, problem)
}

/** Says what is wrong on the node, and on the subgraphs around it: one of them is what is looked at. */
export function blame(id: string, text: string): void {
  const path = id.split(':')
  for (const depth of path.keys()) say(path.slice(0, depth + 1).join(':'), text, true)
}

/** What a node has put out. */
export function put(id: string, output: Output): void {
  const text = textIn(output)
  if (text !== undefined) say(id, text)
}

/** Run was pressed again: nothing stays of what was wrong before. */
export function correct(): void {
  for (const node of everyNode()) if (known.get(node)?.element.classList.contains('problem')) show(node, '')
}

/** The server does not run the graph: what is wrong with it stands on its nodes. */
export function refuse(nodes: readonly (readonly [string, Refusal])[]): void {
  for (const [id, { errors }] of nodes) blame(id, errors.map(sentenceOf).join('\n'))
}

export function start(): void {
  begun = new Set()
  heard = new Set()
}

export function begin(id: string): void {
  const node = findNode(id)
  if (!node) return
  begun.add(node)
  const said = known.get(node)
  if (said) said.again.hidden = true
}

/** Offers to make the pictures of a session's round again that are gone. */
export async function offerAgain(id: string, session: string, round: number): Promise<void> {
  await loadTexts()
  const node = findNode(id)
  if (!node) return
  const { again } = known.get(node) ?? attach(node)
  again.textContent = t('node.again')
  again.hidden = false
  again.onclick = async () => {
    again.hidden = true
    try {
      const route = `/resonance/rounds/${encodeURIComponent(session)}/remake?round=${round}`
      const { items } = await ask<{ items: number }>(route, {})
      show(node, t('node.again_queued', { n: items, round }))
    } catch (error) {
      show(node, (error as Error).message, true)
    }
  }
  makeRoom(node)
}

/** A run has come to its end: what worked in it and said nothing has nothing to say any more. */
export function end(): void {
  forget([...begun])
}

/** A run has failed: nothing stays of what was said before it. */
export function fail(): void {
  forget(everyNode())
}

/** A run was interrupted: the time that was left is not any more. The next run of the chain, if there is one, says how far it is. */
export function interrupt(): void {
  for (const node of begun) if (COUNTING.has(node.comfyClass ?? '') && known.has(node)) show(node, '')
}

function forget(nodes: readonly LGraphNode[]): void {
  for (const node of nodes) if (known.has(node) && !heard.has(node)) show(node, '')
}

/** After a workflow was loaded, and after undo. */
export function loaded(node: LGraphNode): void {
  mountAgain(node)
  setTimeout(() => {
    const text = textIn(outputOf(node) ?? {})
    if (text !== undefined) show(node, text)
    else void recall()
  }, RESTORED)
}

function show(node: LGraphNode, text: string, problem = false): void {
  const said = known.get(node) ?? (text ? attach(node) : undefined)
  if (!said) return
  const { element } = said
  element.value = text
  element.hidden = !text
  element.classList.toggle('problem', problem)
  requestAnimationFrame(() => {
    const lines = Math.min(Math.ceil(element.scrollHeight / LINE) + 1, LINES)
    said.height = text ? Math.max(said.height, lines * LINE) : said.height
    element.style.minHeight = `${said.height}px`
    makeRoom(node)
  })
}

function attach(node: LGraphNode): Said {
  addStyle('resonance-said', css)
  const element = h('textarea', { className: 'resonance-said', readOnly: true, rows: 3 })
  void loadTexts().then(() => (element.ariaLabel = t('node.says')))
  element.dataset['captureWheel'] = 'true'
  const again = h('button', { type: 'button', className: 'resonance-again', hidden: true })
  const said: Said = { element, again, height: 3 * LINE }
  const host = addHost(node, 'words', () => said.height + MARGINS + (again.hidden ? 0 : BUTTON))
  host.classList.add('resonance-speaks')
  host.append(element, again)
  keepMounted(node, host)
  known.set(node, said)
  return said
}

/** The words of what a node says, without what made them and what is noted beside. */
export function wordsOf(node: LGraphNode): string {
  const element = known.get(node)?.element
  if (element?.classList.contains('problem')) return ''
  const output = outputOf(node) ?? {}
  const text = element?.value || textIn(output)
  if (text === undefined) return Array.isArray(output['text']) ? output['text'].join('\n') : ''
  const made = ['ResonanceTagImages', 'ResonanceCaptionImages'].includes(node.comfyClass ?? '')
  return made ? speech(text).words : text
}

function textIn(output: Output): string | undefined {
  const found = output['resonance_text']
  return Array.isArray(found) ? found.join('\n\n') : undefined
}

/** Finds the words of the workflow's last run: in the history or, where that is gone, in the session's ledger. */
async function recall(): Promise<void> {
  const workflow = (app.rootGraph ?? app.graph).id
  if (!workflow || workflow === UNNAMED || asked === workflow) return
  asked = workflow
  const history = await ask<Record<string, Run>>(`/history?max_items=${RECENT}`)
  const runs = Object.values(history).filter((run) => workflowOf(run) === workflow)
  for (const run of runs) {
    for (const [id, output] of Object.entries(run.outputs)) {
      const [node, text] = [findNode(id), textIn(output)]
      if (node && text !== undefined && !known.get(node)?.element.value) show(node, text)
    }
  }
  if (!runs.length) await recallSession()
}

function workflowOf(run: Run): unknown {
  const extra = run.prompt[3] as { extra_pnginfo?: { workflow?: { id?: unknown } } } | undefined
  return extra?.extra_pnginfo?.workflow?.id
}

interface Round {
  readonly items: readonly { readonly id: number; readonly state: string }[]
}

interface Item {
  readonly words?: { readonly tags: string; readonly caption: string } | null
}

async function recallSession(): Promise<void> {
  const nodes = everyNode()
  const input = nodes.find((node) => node.comfyClass === 'ResonanceRoundInput')
  const session = input && widgetOf(input, 'session')?.value
  const words = nodes.find((node) => node.comfyClass === 'ResonanceRoundWords')
  if (!words || typeof session !== 'string') return
  const sessions = await ask<{ readonly session: string }[]>('/resonance/rounds')
  if (!sessions.some((each) => each.session === session)) return
  const route = `/resonance/rounds/${encodeURIComponent(session)}`
  const last = (await ask<Round>(route)).items.filter((item) => item.state === 'done').at(-1)
  if (!last) return
  const item = await ask<Item>(`${route}/items/${last.id}`)
  const text = [item.words?.tags, item.words?.caption].filter(Boolean).join('\n\n')
  if (text && !known.get(words)?.element.value) show(words, text)
}

function everyNode(): LGraphNode[] {
  const root = app.rootGraph ?? app.graph
  return [...root.nodes, ...[...(root.subgraphs?.values() ?? [])].flatMap((graph) => graph.nodes)]
}
