/**
 * What an API answers when it will not do as asked. Thrown anywhere, rendered once, in the dialect of the service.
 * `type` is Neutron's exception name (`NetworkNotFound`); the other dialects derive their key from the status.
 */
export class Fault extends Error {
  readonly status: number
  readonly type: string | undefined
  readonly headers: Record<string, string>

  constructor(status: number, message: string, options: { type?: string; headers?: Record<string, string> } = {}) {
    super(message)
    this.name = 'Fault'
    this.status = status
    this.type = options.type
    this.headers = options.headers ?? {}
  }
}

export const badRequest = (message: string, type?: string) => new Fault(400, message, opt(type))
export const forbidden = (message: string, type?: string) => new Fault(403, message, opt(type))
export const notFound = (message: string, type?: string) => new Fault(404, message, opt(type))
export const conflict = (message: string, type?: string) => new Fault(409, message, opt(type))
/** 429: the same may be asked again after so many seconds. */
export const tooMany = (seconds: number, message = 'This request was rate-limited.') =>
  new Fault(429, message, { headers: { 'Retry-After': String(seconds) } })
/** For what this broker does not offer at all; the sentence names what is missing. */
export const notImplemented = (message: string) => new Fault(501, message)

const opt = (type?: string) => (type ? { type } : {})
