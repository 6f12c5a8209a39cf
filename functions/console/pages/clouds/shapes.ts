/** A cloud as `GET /broker/v1/clouds` shows it. */
export interface Cloud {
  id: string
  name: string
  type: string
  endpoint: string | null
  region: string | null
  options: Record<string, unknown>
  has_credentials: boolean
  enabled: boolean
  placing: boolean
  placing_reason: string | null
  position: number
  status: string
  failures: number
  last_error: string | null
  hosts: { name: string; zone: string; state: string; seen_at: string | null }[] | null
  advice: string[]
  seen_at: string | null
  inventory_at: string | null
  created_at: string
}

/** What `POST /broker/v1/clouds/{name}/check` finds. */
export interface Check {
  reachable: boolean
  account: string | null
  version: string | null
  clock_skew_ms: number | null
  denied: { action: string; reason?: string }[] | string[]
  warnings: string[]
  image_conversion: { available: boolean; tool: string | null; reason: string | null }
}

/** What a type of clouds asks for, as `GET /broker/v1/cloud-types` says. */
export interface CloudType {
  type: string
  maturity: string
  runtimes: string[]
  runs_here: boolean
  options: { name: string; default: unknown; must_be: string; required: boolean }[]
  credentials: { name: string; required: boolean }[]
}
