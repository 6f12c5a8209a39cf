import type * as z from 'zod'
import type { Context, Role } from '../context.ts'
import type { Fault } from './fault.ts'

/** Who may call: nobody needs a token, anybody with one (even unscoped), or a role on the project of the token. */
type Who = 'public' | 'authenticated' | Role

/** What a handler is given. All of it is checked already. */
export interface Input<Body = unknown, Query = Record<string, string | undefined>> {
  context: Context
  params: Record<string, string>
  query: Query
  /** Every value of a repeated query key. */
  queries: URLSearchParams
  body: Body
  /** Minor microversion: 96 for `2.96`; 0 where the service has none. */
  version: number
  /** Public URL of the service's prefix, without a trailing slash: what links start with. */
  base: string
  /** Public URL of the broker. */
  origin: string
  request: Request
}

export interface Answer {
  status?: number
  headers?: Record<string, string>
  /** Sent as JSON; undefined: no body and no content type. */
  body?: unknown
  /** In place of `body`: JSON that is text already. */
  json?: string
}

/**
 * One line of the route table: what it takes, what it gives, who may, what it does. Both the router and the tests that
 * sweep over every route read it.
 */
export interface Operation<Body = unknown, Query = Record<string, string | undefined>> {
  /** `<resource>.<verb>`, e.g. `server.create`; unique within the service. */
  name: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD'
  /** Below the service's prefix, Hono's syntax: `/servers/:id`. */
  path: string
  who: Who
  /** The roles that do as well for a token that is for the system, or for a domain; absent: such a token may not. */
  also?: { system?: Role; domain?: Role }
  /** The sentence of a 403 where the real service has its own; absent: Nova's. */
  denial?: string
  /** Throws 404 where there is no such thing; told to whoever has a token, before a 403 for the lack of a role. */
  absent?(asked: Pick<Input, 'params'> & { db: Context['db'] }): Promise<unknown>
  /** One sentence for the API reference. */
  summary: string
  /** Status of success. */
  status: number
  /** Minor microversions in which the route exists; outside of them it is 404. */
  since?: number
  until?: number
  /** Schema of the JSON body, or one per microversion. Absent: a body is not read. */
  body?: z.ZodType<Body> | ((version: number) => z.ZodType<Body>)
  query?: z.ZodType<Query> | ((version: number) => z.ZodType<Query>)
  /** Its first reads take the look at the caller's token along (`Context.look`), which otherwise comes before anything. */
  looksAlong?: boolean
  /** The body is bytes (image data): the handler reads `request.body` itself. */
  raw?: boolean
  /** Runs after parsing; the answer's status defaults to `status`. */
  handle(input: Input<Body, Query>): Promise<Answer | Response> | Answer | Response
  /** What a refusal means in this operation; undefined: what it means in all of the service (`Service.refuse`). */
  refuse?(error: unknown, input: Input<Body, Query>): Promise<Fault | undefined> | Fault | undefined
}

/** Keeps the types of body and query together; returns the operation as it is. */
export const operation = <Body = unknown, Query = Record<string, string | undefined>>(
  definition: Operation<Body, Query>,
): Operation => definition as unknown as Operation
