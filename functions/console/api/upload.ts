import { addressOf, asker, type ServiceName } from './ask.ts'
import { Fault } from './fault.ts'

/** What a service said, without a body that wraps it. */
const wordsIn = (text: string): string =>
  /"message": ?"([^"]*)"/.exec(text)?.[1] ??
  text
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 500)

/**
 * Sends a file, and tells how much of it is sent, 0 to 1: `fetch` does not say that.
 * @throws Fault what the service said; AbortError where it was broken off
 */
export const upload = (
  service: ServiceName,
  path: string,
  file: Blob,
  sent: (share: number) => void,
  signal: AbortSignal,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('PUT', addressOf(service, path))
    request.setRequestHeader('X-Auth-Token', asker.token() ?? '')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.onprogress = ({ loaded, total }) => sent(total ? loaded / total : 0)
    request.onerror = () => reject(new Fault(0, 'The broker does not answer.'))
    request.onabort = () => reject(new DOMException('It was broken off.', 'AbortError'))
    request.onload = () => {
      const { status, responseText } = request
      if (status < 300) return resolve()
      const requestId = request.getResponseHeader('X-Openstack-Request-Id')
      reject(new Fault(status, wordsIn(responseText) || `The service answered ${status}.`, { requestId }))
    }
    signal.addEventListener('abort', () => request.abort())
    request.send(file)
  })
