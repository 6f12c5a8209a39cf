import { CONSOLES } from '../broker/compute/stream.ts'
import type { Host } from '../context.ts'
import { STANDING } from '../http/answer-headers.ts'

/**
 * A page of ours runs what is served beside it and speaks to its own origin; nobody else frames it. Cursors are pictures in
 * URLs of data.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const HEADERS = { ...STANDING, 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer' }

const refusal = (code: number, title: string, message: string): Response =>
  Response.json({ error: { code, title, message } }, { status: code, headers: HEADERS })

/** What is below `/console`: the page that shows screens. Null: something else was asked for. */
export const consoleAnswer = async (request: Request, { consolePage }: Host): Promise<Response | null> => {
  const { pathname } = new URL(request.url)
  if (!pathname.startsWith(`${CONSOLES}/`)) return null
  if (!consolePage)
    return refusal(501, 'Not Implemented', 'Consoles are brought to browsers by a broker on Node, not on Workers.')
  const name = pathname.slice(CONSOLES.length + 1)
  if (name === 'socket') return refusal(426, 'Upgrade Required', 'A console is brought by a WebSocket.')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refusal(405, 'Method Not Allowed', 'The method is not allowed for this resource.')
  const file = await consolePage(name)
  if (!file) return refusal(404, 'Not Found', 'There is no such page.')
  return new Response(file.bytes, { headers: { ...HEADERS, 'Content-Type': file.type } })
}
