/** What the Worker needs of its runtime beside the global names. */
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
}
