/**
 * What Workers have and Node has not, as far as this program names it. The globals stay Node's: the two sets of types do
 * not agree. Other types are imported: `import type { … } from '@cloudflare/workers-types'`.
 */
type D1Database = import('@cloudflare/workers-types').D1Database
type ExecutionContext = import('@cloudflare/workers-types').ExecutionContext
type ScheduledController = import('@cloudflare/workers-types').ScheduledController

declare module 'cloudflare:workers' {
  export const env: Record<string, unknown>
}

declare module 'cloudflare:sockets' {
  export const connect: typeof import('@cloudflare/workers-types').connect
}
