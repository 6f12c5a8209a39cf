/**
 * What an API answers when it will not do as asked. Thrown anywhere, rendered once, in the dialect of the service.
 * `type` is Neutron's exception name (`NetworkNotFound`); the other dialects derive their key from the status.
 */
export class Fault extends Error {
  readonly status: number
  readonly type: string | undefined
  readonly headers: Record<string, string>

  constructor(status: number, message: string, options: { type?: string; headers?: Record<string, string> } = {}) {
    const { stackTraceLimit } = Error
    // A refusal is an answer: to find out where it was thrown takes longer than many a read, and nobody looks.
    if (status < 500 || status === 501) Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'Fault'
    this.status = status
    this.type = options.type
    this.headers = options.headers ?? {}
  }
}

/** 400: it cannot be done as it is asked for. */
export const badRequest = (message: string, type?: string) => new Fault(400, message, opt(type))
/** 403: the caller may not, or a limit does not let it. */
export const forbidden = (message: string, type?: string) => new Fault(403, message, opt(type))
/** 404: it is not there, or not the caller's to see. */
export const notFound = (message: string, type?: string) => new Fault(404, message, opt(type))
/** 409: what is there is in the way. */
export const conflict = (message: string, type?: string) => new Fault(409, message, opt(type))
/** 429: the same may be asked again after so many seconds. */
export const tooMany = (seconds: number, message = 'This request was rate-limited.') =>
  new Fault(429, message, { headers: { 'Retry-After': String(seconds) } })
/** For what this broker does not offer at all; the sentence names what is missing. */
export const notImplemented = (message: string) => new Fault(501, message)

const opt = (type?: string) => (type ? { type } : {})
