import { operations } from '../../functions/app.ts'
import { requestedVersion } from '../../functions/http/microversion.ts'
import type { Operation } from '../../functions/http/operation.ts'
import { SegmentRouter } from '../../functions/http/router.ts'
import type { Service } from '../../functions/http/service.ts'

interface Routed {
  service: Service
  operation: Operation
}

const router = new SegmentRouter<Routed>()
for (const { service, operation } of operations)
  router.add(operation.method, service.prefix + operation.path, { service, operation })

/** The operation that a request goes to, and the minor version that it is asked in; null: there is none, or not in that version. */
export const routed = (method: string, url: string, headers: Headers): (Routed & { version: number }) | null => {
  const found = router.match(method, decoded(new URL(url).pathname))[0][0]?.[0]
  if (!found) return null
  const { service, operation } = found
  const version = versionOf(service, headers)
  if (version === null) return null
  const outside = version < (operation.since ?? 0) || version > (operation.until ?? Number.POSITIVE_INFINITY)
  return outside ? null : { ...found, version }
}

const decoded = (path: string): string => {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

const versionOf = ({ microversions }: Service, headers: Headers): number | null => {
  if (!microversions) return 0
  try {
    return requestedVersion(headers, microversions)
  } catch {
    return null
  }
}
