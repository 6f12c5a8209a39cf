import { addressOf, asker, type ServiceName } from './ask.ts'
import { Fault, faultSaid } from './fault.ts'

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
    const brokenOff = () => reject(new DOMException('It was broken off.', 'AbortError'))
    if (signal.aborted) return brokenOff()
    const request = new XMLHttpRequest()
    request.open('PUT', addressOf(service, path))
    request.setRequestHeader('X-Auth-Token', asker.token() ?? '')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.onprogress = ({ loaded, total }) => sent(total ? loaded / total : 0)
    request.onerror = () => reject(new Fault(0, 'The broker does not answer.'))
    request.onabort = brokenOff
    request.onload = () => {
      const { status, responseText } = request
      if (status < 300) return resolve()
      const requestId = request.getResponseHeader('X-Openstack-Request-Id')
      reject(faultSaid(status, responseText, { requestId }))
    }
    signal.addEventListener('abort', () => request.abort())
    request.send(file)
  })
