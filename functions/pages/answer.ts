import { table } from '../../adapters/table.ts'
import { Fault, notFound } from '../http/fault.ts'
import { pageFault } from '../http/page-fault.ts'

/** A file of the console, as a runtime keeps it. */
interface PageFile {
  bytes: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
  /** How it is compressed, if it is. */
  encoding: 'br' | 'gzip' | null
}

/**
 * The files of the console, by name; null: there is none of that name.
 * @param accepts which compressions its reader takes
 */
export type Pages = (name: string, accepts: string) => Promise<PageFile | null>

/** Where everything but the page itself is. Names tell contents, so that each is asked for once. */
const ASSETS = '/assets/'
/** What a build calls its files: nothing that leads anywhere else. */
const NAME = /^[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*\.(js|css)$/
const TYPES = table({ js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' })

/**
 * The page runs, draws and asks what is served beside it, and nothing else; nobody frames it, and a form of it leads nowhere
 * but here. A remote console is a WebSocket of the same origin, and its cursors are pictures in URLs of data.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/** Whether a client would rather have a page than JSON: browsers name it, programs do not. */
const wantsPage = (request: Request): boolean => /\btext\/html\b/i.test(request.headers.get('Accept') ?? '')

/** What the program around them does for pages as for everything else. */
interface Around {
  /** Undefined: the console was not built. */
  pages: Pages | undefined
  /** Looks at the request before anything is done for it. @throws Fault for a host that is not served, or one request too many */
  admit: () => void
  /** What is on every answer: it is not kept, and has an id. */
  headers: Record<string, string>
}

/** What is at `/` for a browser, and below `/assets/`: the console. Null: something else was asked for, or by somebody else. */
export const pageAnswer = async (request: Request, around: Around): Promise<Response | null> => {
  try {
    return await found(request, around)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return pageFault(error, { ...around.headers, ...HEADERS })
  }
}

const found = async (request: Request, { pages, admit, headers: standing }: Around): Promise<Response | null> => {
  const { pathname } = new URL(request.url)
  const isPage = pathname === '/'
  if (isPage ? !wantsPage(request) : !pathname.startsWith(ASSETS)) return null
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (!isRead && isPage) return null
  admit()
  if (!isRead) throw new Fault(405, 'The method is not allowed for this resource.')
  if (!pages) throw new Fault(501, 'The console is not built: npm install builds it, where its folder can be written.')
  const name = isPage ? 'index.html' : pathname.slice(ASSETS.length)
  const file = isPage || NAME.test(name) ? await pages(name, request.headers.get('Accept-Encoding') ?? '') : null
  if (!file) throw notFound('There is no such file of the console.')
  const headers = {
    ...standing,
    ...HEADERS,
    'Content-Type': isPage ? 'text/html; charset=utf-8' : TYPES[name.slice(name.lastIndexOf('.') + 1)]!,
    'Cache-Control': isPage ? 'no-cache' : 'public, max-age=31536000, immutable',
    // Clients that ask for JSON are told something else at the same place.
    Vary: isPage ? 'Accept, Accept-Encoding' : 'Accept-Encoding',
    ...(file.encoding ? { 'Content-Encoding': file.encoding } : {}),
  }
  if (request.method !== 'HEAD') return new Response(file.bytes, { headers })
  if (file.bytes instanceof ReadableStream) await file.bytes.cancel()
  return new Response(null, { headers })
}
