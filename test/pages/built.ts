import type { Pages } from '../../functions/pages/answer.ts'
import { pagesAmong } from '../../functions/pages/assets.ts'
import { runtime } from '../support/runtime.ts'

/** The console as the configuration of the tests builds it, by the way in which this runtime has it. */
export const builtPages = async (): Promise<Pages> => {
  if (runtime === 'node') return (await import('../../functions/pages/folder.ts')).pagesOf('.cache/console')
  const { env } = await import('cloudflare:workers')
  return pagesAmong((env as unknown as { ASSETS: Parameters<typeof pagesAmong>[0] }).ASSETS)
}
