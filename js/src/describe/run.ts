// A run of our own: queued like every other, but heard on a connection of its own. The page's nodes have nothing to do with
// it, so that none of them lights up, and its error is told where it was asked for and nowhere else.

import { api, type ApiGraph, ask, type Output, type Refusals, type Run, sentenceOf } from '../comfy'
import { t } from '../i18n'
import { speech } from '../outputs'
import { DESCRIBE, PICTURE, SHOW } from './graph'

/** Milliseconds after which a lost connection is tried again. */
const AGAIN = 2000

export interface Listener {
  /** The run is no longer waiting. */
  began(): void
  /** What the node says while it works. */
  says(text: string): void
  /** @param by what made the words, and in what time. */
  made(words: string, by: string): void
  failed(sentence: string): void
  stopped(): void
}

interface Refused {
  readonly error?: { readonly message: string; readonly details?: string }
  readonly node_errors?: Refusals
}

interface Message {
  readonly type: string
  readonly data: Record<string, unknown>
}

interface Ended extends Run {
  readonly status: { readonly messages: readonly (readonly [string, Record<string, unknown>])[] }
}

/** Queues a graph. Returns what stops it, be it waiting or working. */
export function queue(graph: ApiGraph, listener: Listener): () => void {
  const client = `resonance-${Math.random().toString(36).slice(2)}`
  let socket: WebSocket
  let posted: Promise<string | undefined> | undefined
  let over = false
  const outputs: Record<string, Output> = {}

  function end(tell: () => void): void {
    if (over) return
    over = true
    socket.close()
    tell()
  }

  function finish(): void {
    const words = (outputs[SHOW]?.['text'] as string[] | undefined)?.join('\n') ?? ''
    const said = (outputs[DESCRIBE]?.['resonance_text'] as string[] | undefined) ?? []
    const { notes, by } = speech(said.join('\n\n'))
    end(() => listener.made(words, [...notes, by].join(' ').trim()))
  }

  /** Nothing but the run comes on this connection, and how much is queued. */
  function hear({ type, data }: Message): void {
    if (type === 'resonance.text' && data['node'] === DESCRIBE) listener.says(String(data['text']))
    else if (type === 'execution_start') listener.began()
    else if (type === 'executed') outputs[String(data['node'])] = data['output'] as Output
    else if (type === 'execution_error') end(() => listener.failed(String(data['exception_message']).trim()))
    else if (type === 'execution_interrupted') end(listener.stopped)
    else if (type === 'execution_success') finish()
    else if (type === 'status') {
      const { exec_info } = (data['status'] ?? {}) as { exec_info?: { queue_remaining: number } }
      // Somebody may have taken the run out of the queue: nothing is said of that.
      if (exec_info?.queue_remaining === 0) void look()
    }
  }

  /** Looks for what was not heard. In the queue first: a run that ends meanwhile is in the history by then. */
  async function look(): Promise<void> {
    const run = await posted
    if (run === undefined || over) return
    const queued = await ask<Record<string, unknown[][]>>('/queue').catch(() => undefined)
    if (!queued || Object.values(queued).some((entries) => entries.some((entry) => entry[1] === run))) return
    const history = await ask<Record<string, Ended>>(`/history/${run}`).catch(() => undefined)
    const found = history?.[run]
    if (found) {
      Object.assign(outputs, found.outputs)
      for (const [type, data] of found.status.messages) hear({ type, data })
    } else if (history) end(listener.stopped)
  }

  async function post(): Promise<string | undefined> {
    const body = JSON.stringify({ prompt: graph, client_id: client })
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
    const answer = await api.fetchApi('/prompt', init).catch(() => undefined)
    if (answer?.ok) return ((await answer.json()) as { prompt_id: string }).prompt_id
    const refusal = (await answer?.json().catch(() => undefined)) as Refused | undefined
    end(() => listener.failed(refusal ? why(refusal) : t('server.gone')))
    return undefined
  }

  function connect(): void {
    const address = new URL(api.apiURL(`/ws?clientId=${client}`), location.href)
    address.protocol = address.protocol.replace('http', 'ws')
    socket = new WebSocket(address)
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') hear(JSON.parse(data) as Message)
    }
    socket.onopen = () => {
      if (posted) void look()
      else posted = post()
    }
    socket.onclose = () => {
      if (over) return
      if (posted) setTimeout(connect, AGAIN)
      else end(() => listener.failed(t('server.gone')))
    }
  }

  connect()
  return () => {
    end(listener.stopped)
    void posted?.then(async (run) => {
      if (run === undefined) return
      await ask('/queue', { delete: [run] })
      await ask('/interrupt', { prompt_id: run })
    })
  }
}

/** Why the server refuses a graph, each reason once. */
function why({ error, node_errors = {} }: Refused): string {
  if (node_errors[PICTURE]) return t('describe.no_picture')
  const reasons = Object.values(node_errors).flatMap(({ errors }) => errors.map(sentenceOf))
  if (reasons.length) return [...new Set(reasons)].join('\n')
  return [error?.message, error?.details].filter(Boolean).join(': ') || t('server.gone')
}
