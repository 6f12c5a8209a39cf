import type { Fault } from './fault.ts'
import { asPython } from './schema-words.ts'

/** How a service words its errors and names its request id. */
export interface Dialect {
  name: 'identity' | 'compute' | 'network' | 'block-storage' | 'image' | 'broker' | 'object-store' | 'placement'
  render(fault: Fault, requestId: string): { body: string; contentType: string }
  /** Headers that carry the request id; clients of one service look for one name, of another for both. */
  requestIdHeaders: string[]
  /** The sentence for a body that does not fit: path of the field, value, what is wrong with it. */
  invalid(path: string, value: unknown, reason: string): string
  /** The sentence for a body that is no JSON. */
  malformed: string
}

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}
const titleOf = (status: number) => titles[status] ?? 'Error'

/** Nova and Cinder: the key is derived from the status (nova/api/openstack/wsgi.py, class Fault). */
const wsgiKeys: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

const json = (value: unknown) => ({ body: JSON.stringify(value), contentType: 'application/json' })

/** jsonschema's sentence, as Keystone, Nova and Cinder pass it on: of the body as a whole it is all that they say. */
const fieldInvalid = (path: string, value: unknown, reason: string) =>
  path ? `Invalid input for field/attribute ${path.split('.').at(-1)}. Value: ${shown(value)}. ${reason}` : reason

const shown = (value: unknown) => (typeof value === 'string' ? value.slice(0, 255) : asPython(value))

/** keystonemiddleware answers before the service does, in its own words. */
const turnedAway = ({ message }: Fault) => json({ error: { code: 401, title: 'Unauthorized', message } })

const wsgi = (name: Dialect['name'], requestIdHeaders: string[]): Dialect => ({
  name,
  requestIdHeaders,
  invalid: fieldInvalid,
  malformed: 'Malformed request body',
  render: (fault) =>
    fault.status === 401
      ? turnedAway(fault)
      : json({
          [wsgiKeys[fault.status] ?? 'computeFault']: {
            code: fault.status,
            message: fault.message,
            ...retryAfter(fault),
          },
        }),
})

/** Said in the body as well where a limit was passed (class Fault). */
const retryAfter = ({ status, headers }: Fault) =>
  (status === 413 || status === 429) && headers['Retry-After'] ? { retryAfter: headers['Retry-After'] } : {}

/** Why nothing is written. */
const FOLLOWS =
  'Providers, inventories and traits follow from zones and offers of clouds, allocations from servers: they are read here, and written by nobody.'

export const dialects = {
  compute: wsgi('compute', ['X-Openstack-Request-Id', 'X-Compute-Request-Id']),
  blockStorage: wsgi('block-storage', ['X-Openstack-Request-Id', 'X-Compute-Request-Id']),
  identity: {
    name: 'identity',
    requestIdHeaders: ['X-Openstack-Request-Id'],
    invalid: fieldInvalid,
    malformed:
      'Expecting to find valid JSON in request body. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
    render: (fault) => json({ error: { code: fault.status, message: fault.message, title: titleOf(fault.status) } }),
  },
  network: {
    name: 'network',
    requestIdHeaders: ['X-Openstack-Request-Id'],
    invalid: (path, value, reason) =>
      `Invalid input for ${path.split('.').at(-1)}. Reason: '${shown(value)}' ${reason}.`,
    malformed: 'Body contains invalid data',
    render: (fault) =>
      fault.status === 401
        ? turnedAway(fault)
        : json({
            NeutronError: {
              type: fault.type ?? `HTTP${titleOf(fault.status).replaceAll(' ', '')}`,
              message: fault.message,
              detail: '',
            },
          }),
  },
  image: {
    name: 'image',
    requestIdHeaders: ['X-Openstack-Request-Id'],
    invalid: (_path, _value, reason) => `Provided object does not match schema 'image': ${reason}`,
    malformed: 'Malformed JSON in request body.',
    // Glance answers in HTML whatever the client accepts (webob's default body).
    render: (fault) => ({
      contentType: 'text/html; charset=UTF-8',
      body: `<html>\n <head>\n  <title>${fault.status} ${titleOf(fault.status)}</title>\n </head>\n <body>\n  <h1>${fault.status} ${titleOf(fault.status)}</h1>\n  ${escapeHtml(fault.message)}<br /><br />\n\n\n\n </body>\n</html>`,
    }),
  },
  placement: {
    name: 'placement',
    requestIdHeaders: ['X-Openstack-Request-Id'],
    invalid: (path, value, reason) => `JSON does not validate: ${shown(value)} ${reason} (${path})`,
    malformed: 'Malformed JSON',
    // placement/util.py, `json_error_formatter`.
    render: (fault, requestId) =>
      json({
        errors: [
          {
            status: fault.status,
            title: titleOf(fault.status),
            detail: fault.status === 405 ? `${fault.message} ${FOLLOWS}` : fault.message,
            code: 'placement.undefined_code',
            request_id: requestId,
          },
        ],
      }),
  },
  broker: {
    name: 'broker',
    requestIdHeaders: ['X-Openstack-Request-Id'],
    // Bodies carry credentials: what was sent is never repeated.
    invalid: (path, _value, reason) => `${path}: ${reason}`,
    malformed: 'Malformed request body: it is not valid JSON.',
    render: (fault, requestId) =>
      json({
        error: { code: fault.status, title: titleOf(fault.status), message: fault.message, request_id: requestId },
      }),
  },
} satisfies Record<string, Dialect>

const escapeHtml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;')
