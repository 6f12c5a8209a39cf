/** What a service answered in place of what was asked for, in its own words. */
export class Fault extends Error {
  override name = 'Fault'
  /** 0: nothing was answered. */
  readonly status: number
  /** Under which the log of the service has it; null: it did not come so far. */
  readonly requestId: string | null
  /** Seconds after which to ask again, if it says so. */
  readonly again: number | null
  /** Of a login that is half done: by what the other half is told to be the same. */
  readonly receipt: { text: string; userId: string } | null

  constructor(status: number, message: string, more: Partial<Pick<Fault, 'requestId' | 'again' | 'receipt'>> = {}) {
    super(message)
    this.status = status
    this.requestId = more.requestId ?? null
    this.again = more.again ?? null
    this.receipt = more.receipt ?? null
  }
}

/** The first sentence that a body says under `message`, however its service wraps it. */
const messageIn = (body: unknown): string | null => {
  if (typeof body !== 'object' || body === null) return null
  const { message } = body as { message?: unknown }
  if (typeof message === 'string') return message
  for (const part of Object.values(body)) {
    const found = messageIn(part)
    if (found !== null) return found
  }
  return null
}

const plain = (text: string): string =>
  text
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 500)

/** What an answer that is no success says. */
export const faultOf = async (response: Response): Promise<Fault> => {
  const text = await response.text().catch(() => '')
  const requestId = response.headers.get('X-Openstack-Request-Id') ?? response.headers.get('X-Compute-Request-Id')
  const again = Number(response.headers.get('Retry-After')) || null
  return faultSaid(response.status, text, { requestId, again, receipt: receiptIn(response, parsed(text)) })
}

/** What a body says that came with a status. */
export const faultSaid = (status: number, text: string, more: ConstructorParameters<typeof Fault>[2]): Fault =>
  new Fault(status, messageIn(parsed(text)) ?? (plain(text) || `The service answered ${status}.`), more)

/** https://docs.openstack.org/api-ref/identity/v3/#multi-step-authentication */
const receiptIn = ({ headers }: { headers: Headers }, body: unknown): Fault['receipt'] => {
  const text = headers.get('Openstack-Auth-Receipt')
  const user = (body as { receipt?: { user?: { id?: string } } } | null)?.receipt?.user
  return text && user?.id ? { text, userId: user.id } : null
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Anything that was thrown, as a fault. */
export const asFault = (error: unknown): Fault =>
  error instanceof Fault ? error : new Fault(0, error instanceof Error ? error.message : String(error))
