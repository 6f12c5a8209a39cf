/** The two names of a request. */
export interface RequestIds {
  /** Its own, made here: `req-<uuid>`. */
  requestId: string
  /** What its client calls the whole operation that it is part of; null: the client says nothing, or nothing well-formed. */
  globalRequestId: string | null
}

/** oslo.middleware's ID_FORMAT (oslo_middleware/request_id.py). */
const WELL_FORMED = /^req-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/

/**
 * A global request id goes along on every call of an operation, so it tells requests apart from nothing: it is written
 * into log and journal, and never stands for the request itself. A malformed one is passed over, as by oslo.middleware.
 */
export const requestIds = (headers: Headers, newId: () => string): RequestIds => {
  const given = headers.get('X-OpenStack-Request-ID')
  return { requestId: `req-${newId()}`, globalRequestId: given !== null && WELL_FORMED.test(given) ? given : null }
}
