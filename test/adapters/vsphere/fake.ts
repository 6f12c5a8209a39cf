import type { Connection, Surroundings } from '../../../adapters/contract.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { MemoryStore } from '../../support/memory-store.ts'

export interface Asked {
  method: string
  body: string
  headers: Headers
  url: string
}
/** The inside of a body, or what stands in for an answer. */
export type Answer = string | Response | Error

const envelope = (inside: string): string =>
  `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${inside}</soapenv:Body></soapenv:Envelope>`

export const fault = (type: string): Response =>
  new Response(
    envelope(
      `<soapenv:Fault><faultstring>No.</faultstring><detail><${type}Fault xmlns="urn:vim25" xsi:type="${type}"/></detail></soapenv:Fault>`,
    ),
    { status: 500 },
  )

export const about = (version: string, apiType = 'VirtualCenter'): string =>
  `<RetrieveServiceContentResponse xmlns="urn:vim25"><returnval><rootFolder type="Folder">group-d1</rootFolder><propertyCollector type="PropertyCollector">pc</propertyCollector><viewManager type="ViewManager">vm</viewManager><about><version>${version}</version><apiType>${apiType}</apiType><apiVersion>${version}.0</apiVersion></about><sessionManager type="SessionManager">sm</sessionManager><searchIndex type="SearchIndex">si</searchIndex><virtualDiskManager type="VirtualDiskManager">vdm</virtualDiskManager><ovfManager type="OvfManager">om</ovfManager><vStorageObjectManager type="VcenterVStorageObjectManager">som</vStorageObjectManager></returnval></RetrieveServiceContentResponse>`

/** A vCenter that logs everybody in and answers the rest from a function, with a clock that stands. */
export const fake = (answer: (asked: Asked) => Answer, version = '8.0.3') => {
  const asked: Asked[] = []
  let logins = 0
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const body = String(init?.body ?? '')
    const method = /<soapenv:Body><(\w+)/.exec(body)?.[1] ?? ''
    const one = { method, body, headers: new Headers(init?.headers), url: String(input) }
    asked.push(one)
    if (method === 'RetrieveServiceContent') return new Response(envelope(about(version)))
    if (method === 'Login') {
      logins++
      const headers = new Headers([
        ['set-cookie', 'balancer=b1; Path=/'],
        ['set-cookie', `vmware_soap_session="s-${logins}"; Path=/; HttpOnly; Secure`],
      ])
      return new Response(
        envelope('<LoginResponse xmlns="urn:vim25"><returnval><userName>DOM\\u</userName></returnval></LoginResponse>'),
        { headers },
      )
    }
    const result = answer(one)
    if (result instanceof Error) throw result
    return typeof result === 'string' ? new Response(envelope(result)) : result
  }
  const surroundings: Surroundings = {
    blobs: new MemoryBlobs(),
    fetch,
    now: () => 1_800_000_000_000,
    sleep: async () => {},
    store: new MemoryStore(),
    cache: new Map(),
    log() {},
    timeoutMs: 5_000,
    runtime: 'node',
  }
  return { asked, methods: () => asked.map(({ method }) => method), surroundings }
}

export const connection = (change: Partial<Connection> = {}): Connection => ({
  cloudId: 'c1',
  name: 'dc1',
  endpoint: 'https://vc.example',
  region: null,
  options: { sizes: [{ name: 's', vcpus: 1, ram_mib: 512 }] },
  credentials: { username: 'u', password: 'p<&>' },
  mapping: {},
  deployment: 'd1',
  ...change,
})
