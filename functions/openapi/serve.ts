import * as z from 'zod'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { documentOf } from './document.ts'

interface Written {
  text: string
  tag: string
}

/** How many documents are kept: one of each service's newest, as a rule. */
const MOST_KEPT = 8
const kept = new Map<string, Promise<Written>>()

const write = async (services: Service[], minor?: number): Promise<Written> => {
  const text = JSON.stringify(await documentOf(services, minor))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return { text, tag: `"${[...digest.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}"` }
}

/** Written once, and again only after others were asked for in between. */
const written = (name: string, services: Service[], minor?: number): Promise<Written> => {
  const key = `${name} ${minor ?? ''}`
  const known = kept.get(key) ?? write(services, minor)
  kept.delete(key)
  kept.set(key, known)
  for (const [oldest] of kept) {
    if (kept.size <= MOST_KEPT) break
    kept.delete(oldest)
  }
  return known
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
      const { text, tag } = await written(all[0]!.prefix, all, minorOf(microversion, all))
      const isKnown = (request.headers.get('If-None-Match') ?? '').includes(tag)
      return isKnown
        ? new Response(null, { status: 304, headers: { ETag: tag } })
        : { headers: { ETag: tag }, json: text }
    },
  })
