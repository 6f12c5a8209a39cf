import { badRequest, Fault } from './fault.ts'
import type { Microversions } from './service.ts'

/**
 * The minor version that a request asks for. `latest` is the highest; no header is the lowest. Malformed is 400,
 * outside the range 406, in Nova's words (nova/api/openstack/api_version_request.py).
 */
export const requestedVersion = (headers: Headers, service: Microversions): number => {
  const asked = fromCommonHeader(headers, service.name) ?? headers.get(service.legacyHeader ?? '-')?.trim()
  if (!asked) return service.min
  if (asked === 'latest') return service.max
  const match = /^([1-9]\d*)\.(0|[1-9]\d*)$/.exec(asked)
  if (!match) throw badRequest(`API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`)
  const minor = Number(match[2])
  if (Number(match[1]) !== service.major || minor < service.min || minor > service.max)
    throw new Fault(
      406,
      `Version ${asked} is not supported by the API. Minimum is ${service.major}.${service.min} and maximum is ${service.major}.${service.max}.`,
    )
  return minor
}

/** What the last header said of each service: a client says the same with every request. */
const heard = new Map<string, { header: string; version: string | undefined }>()

/** `OpenStack-API-Version: compute 2.90, volume 3.70`: one header for all services. */
const fromCommonHeader = (headers: Headers, name: string): string | undefined => {
  const header = headers.get('OpenStack-API-Version')
  if (header === null) return undefined
  const last = heard.get(name)
  if (last?.header === header) return last.version
  const version = versionIn(header, name)
  heard.set(name, { header, version })
  return version
}

const versionIn = (header: string, name: string): string | undefined => {
  for (const part of header.split(',')) {
    const [service, version] = part.trim().split(/\s+/)
    if (service?.toLowerCase() === name && version) return version
  }
  return undefined
}

/** The headers that tell which version was spoken. */
export const versionHeaders = (service: Microversions, minor: number): Record<string, string> => {
  const spoken = `${service.major}.${minor}`
  const legacy = service.legacyHeader
  return {
    'OpenStack-API-Version': `${service.name} ${spoken}`,
    ...(legacy ? { [legacy]: spoken } : {}),
    Vary: legacy ? `OpenStack-API-Version, ${legacy}` : 'OpenStack-API-Version',
  }
}
