import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { projectById } from '../../db/queries/identity/identity.ts'
import { adopt } from '../broker/adopt/adopt.ts'
import type { Position } from '../broker/adopt/all.ts'
import { ADOPTABLE, type AdoptableKind, adoptablePage } from '../broker/adopt/listing.ts'
import { adoptOrphan } from '../broker/adopt/readopt.ts'
import { connectCloud } from '../broker/clouds/clouds.ts'
import { NotMapped } from '../broker/clouds/mappings.ts'
import { isReadOnly } from '../broker/clouds/read-only.ts'
import { withoutKey } from '../broker/line/commit.ts'
import { badRequest, conflict, forbidden, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed } from './lookup.ts'

const common = {
  cloud: z.string().max(64),
  project_id: z.string().min(1).max(64),
  tag: z.boolean().optional(),
}
const body = z.union([
  z.strictObject({ ...common, native_ids: z.array(z.string().min(1).max(255)).min(1).max(500) }),
  z.strictObject({ ...common, all: z.literal(true), marker: z.string().min(1).max(4_000).optional() }),
])

/** The kind that a page is of, and the cloud's own cursor within it. */
const positionOf = (marker: string | undefined, kind: string | undefined): [AdoptableKind, string | undefined] => {
  const [, name = kind ?? ADOPTABLE[0], cursor] = /^(\w+)(?: (.*))?$/s.exec(marker ?? '') ?? []
  const found = ADOPTABLE.find((each) => each === name)
  if (!found) throw badRequest(`${marker === undefined ? 'kind' : 'marker'}: there is no ${name} to adopt`)
  return [found, cursor || undefined]
}

const position = z.object({
  kind: z.enum(ADOPTABLE),
  cursor: z.string().optional(),
  after: z.string().optional(),
})
const writeMarker = (at: Position): string => Buffer.from(JSON.stringify(at)).toString('base64url')
const readMarker = (marker: string): Position => {
  try {
    return position.parse(JSON.parse(Buffer.from(marker, 'base64url').toString()))
  } catch {
    throw badRequest('marker: must be one that an earlier piece gave')
  }
}

/** The project has no part in the cloud. */
const refuse = (error: unknown) => (error instanceof NotMapped ? conflict(error.message) : undefined)

export const adoptOperations: Operation[] = [
  operation({
    name: 'adoptable.list',
    method: 'GET',
    path: '/v1/adoptable',
    who: 'admin',
    summary:
      'What is on a cloud and managed by nobody here: servers with their ports and volumes, networks, groups, public addresses, routers, images, a page of the cloud at a time. `cloud` is needed; `project_id` looks as that project; `kind`, `marker`.',
    status: 200,
    handle: async ({ context, query }) => {
      if (!query.cloud) throw badRequest('cloud: which one is to be looked at')
      const row = await cloudNamed(context, query.cloud)
      const [kind, cursor] = positionOf(query.marker, query.kind)
      const { cloud } = await connectCloud(context, row, query.project_id ?? null)
      const page = await adoptablePage(context, row, cloud, kind, cursor)
      const after = query.kind ? undefined : ADOPTABLE[ADOPTABLE.indexOf(kind) + 1]
      const next = page.next !== undefined ? `${kind} ${page.next}` : (after ?? null)
      return { body: { adoptable: page.items, next, complete: page.complete } }
    },
    refuse,
  }),
  operation({
    name: 'adopt.create',
    method: 'POST',
    path: '/v1/adopt',
    who: 'admin',
    summary:
      'Makes resources of a project of what runs on a cloud, in place: nothing is changed there but the tag that says whose it is, and without `tag` nothing at all, so that they are only looked at. 200 with what became what, and what was refused why; may be repeated. One call does a piece of some dozen objects: `remaining` names those of `native_ids` that are left, and `next` is the `marker` with which `all` goes on.',
    status: 200,
    body,
    handle: async ({ context, body: wish }) => {
      const row = await cloudNamed(context, wish.cloud)
      if (!(await projectById(context.db, wish.project_id))) throw notFound(`There is no project ${wish.project_id}.`)
      if (wish.tag && isReadOnly(row))
        throw forbidden(`Cloud ${row.name} is connected read-only: nothing is tagged there.`)
      const report = await adopt(withoutKey(context), row, {
        projectId: wish.project_id,
        nativeIds:
          'all' in wish ? { from: wish.marker === undefined ? null : readMarker(wish.marker) } : wish.native_ids,
        tag: wish.tag ?? !isReadOnly(row),
      })
      return {
        body: {
          adopted: report.adopted.map((item) => ({
            kind: item.kind,
            native_id: item.nativeId,
            resource_id: item.resourceId,
            project_id: item.projectId || null,
            /** `ours`: it can be changed. `foreign`: it is only looked at. `adopting`: its tag is not on yet. */
            ownership: item.ownership,
            remarks: item.remarks,
          })),
          refused: report.refused.map(({ nativeId, reason }) => ({ native_id: nativeId, reason })),
          /** Named, and not got to. */
          remaining: report.remaining,
          /** Of all: the marker that goes on; null at the end. */
          next: report.next && writeMarker(report.next),
          complete: report.complete,
        },
      }
    },
    refuse,
  }),
  operation({
    name: 'orphan.adopt',
    method: 'POST',
    path: '/v1/orphans/:id/adopt',
    who: 'admin',
    summary: 'Gives an orphan its rows back: the resource and the project that its mark names.',
    status: 200,
    handle: async ({ context, params }) => {
      const outcome = await adoptOrphan(context, params.id!)
      if (!outcome) throw notFound(`There is no orphan ${params.id}.`)
      const { orphan, reason } = outcome
      if (reason !== null) throw conflict(reason)
      return {
        body: {
          adopted: {
            kind: orphan.kind,
            native_id: orphan.nativeId,
            resource_id: orphan.resourceId,
            project_id: orphan.projectId,
          },
        },
      }
    },
  }),
]
