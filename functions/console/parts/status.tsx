/** How something stands, as a tone: colour never says it alone. */
export type Tone = 'good' | 'busy' | 'bad' | 'idle'

const TONES: Record<string, Tone> = {
  ACTIVE: 'good',
  available: 'good',
  'in-use': 'good',
  active: 'good',
  running: 'good',
  up: 'good',
  ready: 'good',
  delivered: 'good',
  ERROR: 'bad',
  error: 'bad',
  unreachable: 'bad',
  failed: 'bad',
  down: 'bad',
  SHUTOFF: 'idle',
  SHELVED_OFFLOADED: 'idle',
  PAUSED: 'idle',
  SUSPENDED: 'idle',
  disabled: 'idle',
  new: 'idle',
  DOWN: 'idle',
  done: 'idle',
  absent: 'idle',
}

/** The tone of a status, wherever it is drawn; what is not known to be over is under way. */
export const toneOf = (status: string): Tone =>
  (Object.hasOwn(TONES, status) ? TONES[status] : undefined) ?? (/^error/i.test(status) ? 'bad' : 'busy')

/** A status in the word of its service; what is not known to be over is under way. */
export const Status = ({
  status,
  task,
  tone = toneOf(status),
}: {
  status: string
  task?: string | null | undefined
  tone?: Tone
}) => (
  <span class={`status ${tone}`}>
    {status}
    {task && <span class="quiet"> · {task}</span>}
  </span>
)
