import { CONSOLES } from '../broker/compute/stream.ts'
import type { Host } from '../context.ts'
import { STANDING } from '../http/answer-headers.ts'
import { Fault, notFound, notImplemented } from '../http/fault.ts'
import { pageFault } from '../http/page-fault.ts'

/**
 * A page of ours runs what is served beside it and speaks to its own origin; nobody else frames it. Cursors are pictures in
 * URLs of data.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const HEADERS = { ...STANDING, 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer' }

/**
 * What is below `/console`: the page that shows screens. Null: something else was asked for.
 * @param admit looks at the request before anything is done for it
 */
export const consoleAnswer = async (request: Request, host: Host, admit: () => void): Promise<Response | null> => {
  const { pathname } = new URL(request.url)
  if (!pathname.startsWith(`${CONSOLES}/`)) return null
  try {
    admit()
    return await shown(request, pathname.slice(CONSOLES.length + 1), host)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return pageFault(error, HEADERS)
  }
}

const shown = async ({ method }: Request, name: string, { consolePage }: Host): Promise<Response> => {
  if (!consolePage) throw notImplemented('Consoles are brought to browsers by a broker on Node, not on Workers.')
  if (name === 'socket') throw new Fault(426, 'A console is brought by a WebSocket.')
  if (method !== 'GET' && method !== 'HEAD') throw new Fault(405, 'The method is not allowed for this resource.')
  const file = await consolePage(name)
  if (!file) throw notFound('There is no such page.')
  return new Response(file.bytes, { headers: { ...HEADERS, 'Content-Type': file.type } })
}
