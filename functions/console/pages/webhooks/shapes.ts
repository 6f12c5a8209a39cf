/** A webhook as `GET /broker/v1/webhooks` shows it. */
export interface Webhook {
  id: string
  project_id: string
  name: string
  url: string
  /** None: of all types. */
  types: string[]
  enabled: boolean
  disabled_reason: string | null
  failing_since: string | null
  previous_secret_until: string | null
  created_at: string
}

/** What was sent, or is to be. */
export interface Delivery {
  id: string
  seq: number
  type: string
  resource_id: string
  status: 'pending' | 'delivered' | 'failed'
  tries: number
  tried_at: string | null
  next_try_at: string | null
  answer: { status: number; body: string | null } | null
  error: string | null
  created_at: string
}

/** How a webhook stands, in a word. */
export const stateOf = ({ enabled, failing_since: since }: Webhook): string =>
  !enabled ? 'disabled' : since ? 'failed' : 'active'
