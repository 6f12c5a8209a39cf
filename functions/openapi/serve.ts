import * as z from 'zod'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { documentOf } from './document.ts'

interface Written {
  /** JSON, gzipped: a tenth of what it is else, so that every version of every service is kept. */
  packed: Uint8Array<ArrayBuffer>
  tag: string
}

/** By service and version, of which there are some hundreds: whoever asks makes each be written once, and no more. */
const kept = new Map<string, Promise<Written>>()

const through = (bytes: Uint8Array<ArrayBuffer> | string, by: CompressionStream | DecompressionStream): Response =>
  new Response(new Response(bytes).body!.pipeThrough(by))

const write = async (services: Service[], minor?: number): Promise<Written> => {
  const text = JSON.stringify(await documentOf(services, minor))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return {
    packed: new Uint8Array(await through(text, new CompressionStream('gzip')).arrayBuffer()),
    tag: `"${[...digest.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}"`,
  }
}

/** Written once; what failed is tried again. */
const written = (name: string, services: Service[], minor?: number): Promise<Written> => {
  const key = `${name} ${minor ?? ''}`
  const known = kept.get(key)
  if (known) return known
  const begun = write(services, minor)
  kept.set(key, begun)
  begun.catch(() => kept.delete(key))
  return begun
}

const query = z.strictObject({ microversion: z.string().optional() })

/** The minor version that is asked for; undefined: every operation in its newest. */
const minorOf = (asked: string | undefined, services: Service[]): number | undefined => {
  if (asked === undefined) return undefined
  const range = services.find(({ microversions }) => microversions)?.microversions
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})$/.exec(asked) ?? []
  if (!range || Number(major) !== range.major || Number(minor) < range.min || Number(minor) > range.max)
    throw badRequest(
      range
        ? `Microversion '${asked}' is none of ${range.major}.${range.min} to ${range.major}.${range.max}.`
        : 'This service has no microversions.',
    )
  return Number(minor)
}

/** GET /<service>/openapi.json of the services below one name, the one with that name as its prefix first. */
export const documentOperation = (services: () => Service[]): Operation =>
  operation<unknown, { microversion?: string | undefined }>({
    name: 'openapi.show',
    method: 'GET',
    path: '/openapi.json',
    who: 'public',
    summary: 'The OpenAPI document of this service; with `microversion`, as that version is.',
    status: 200,
    query,
    handle: async ({ query: { microversion }, request }) => {
      const all = services()
      const { packed, tag } = await written(all[0]!.prefix, all, minorOf(microversion, all))
      const isKnown = (request.headers.get('If-None-Match') ?? '').includes(tag)
      return isKnown
        ? new Response(null, { status: 304, headers: { ETag: tag } })
        : { headers: { ETag: tag }, json: await through(packed, new DecompressionStream('gzip')).text() }
    },
  })
