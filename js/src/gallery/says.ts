// What the gallery says in words.

import { t } from '../i18n'
import { type State, type Status } from './server'

export const SIGNS: Record<State, string> = {
  pending: '…',
  claimed: '▶',
  done: '✓',
  failed: '✕',
  parked: '‖',
  skipped: '–',
  removed: '∅',
}

export const stateName = (state: State): string => t(`gallery.item.${state}`)

/** A duration in words. */
export function duration(seconds: number): string {
  if (seconds < 10) return t('gallery.seconds', { n: Number(seconds.toFixed(1)) })
  if (seconds < 90) return t('gallery.seconds', { n: Math.round(seconds) })
  if (seconds < 90 * 60) return t('gallery.minutes', { n: Math.round(seconds / 60) })
  return t('gallery.hours', { n: Number((seconds / 3600).toFixed(1)) })
}

/**
 * `round 3: 12 of 40, 2 failed, 4.1 s per picture, about 2 min left`
 *
 * @param idle nothing is queued or running: no time is left then.
 */
export function progress(status: Status, idle: boolean): string {
  const { round, done, total, failed, skipped, removed, pace, eta, state, reason } = status
  const runs = state === 'open'
  return [
    t('gallery.progress', { round, done, total }),
    failed > 0 && t('gallery.failed', { n: failed }),
    skipped > 0 && t('gallery.skipped', { n: skipped }),
    removed > 0 && t('gallery.removed', { n: removed }),
    pace && t('gallery.pace', { time: duration(pace) }),
    runs && !idle && eta && t('gallery.left', { time: duration(eta) }),
    !runs && t(`gallery.state.${state}`) + (reason && `: ${reason}`),
  ]
    .filter(Boolean)
    .join(', ')
}

/** A session in the list of sessions. */
export function sessionLine({ session, state, round, done, total }: Status): string {
  return t('gallery.session_line', { session, state: t(`gallery.state.${state}`), round, done, total })
}
