import { isZoneName } from '../../db/queries/clouds/aggregates.ts'
import {
  type CloudRow,
  cloudById,
  cloudMoved,
  cloudsWithHosts,
  cloudWithHosts,
  deleteCloud,
  holdsAnything,
  insertCloud,
  updateCloud,
} from '../../db/queries/clouds/clouds.ts'
import { type HostRow, hostsOf } from '../../db/queries/clouds/hosts.ts'
import { checkCloud } from '../broker/clouds/clouds.ts'
import { refreshInventory } from '../broker/clouds/inventory.ts'
import { adviceOn } from '../broker/clouds/registration.ts'
import { openCredentials, sealCredentials } from '../broker/clouds/seal.ts'
import { commit, guard } from '../broker/line/commit.ts'
import { isTaken, Refused } from '../broker/line/refused.ts'
import type { Context } from '../context.ts'
import { conflict } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed, iso, noCloud } from './lookup.ts'
import { assertSound, change, creation, credentialsIn } from './registration.ts'

/** The machines that a cloud is, each with when it answered last; null where it does not tell them apart. */
const hostsView = ({ now }: Context, { breakerOpenUntil }: CloudRow, hosts: HostRow[]) => {
  const view = ({ name, zone, answers, seenAt }: HostRow) => ({
    name,
    zone,
    state: answers && breakerOpenUntil <= now() ? 'up' : 'down',
    seen_at: iso(seenAt),
  })
  return hosts.length ? hosts.map(view) : null
}

/** What an admin sees of a cloud. Of its credentials only that there are some. */
const view = async (context: Context, row: CloudRow, hosts: HostRow[]) => ({
  id: row.id,
  name: row.name,
  type: row.type,
  endpoint: row.endpoint,
  region: row.region,
  options: row.options,
  has_credentials: row.credentials !== null,
  enabled: row.enabled,
  placing: row.placing,
  placing_reason: row.placingReason,
  position: row.position,
  status: !row.enabled
    ? 'disabled'
    : row.breakerOpenUntil > context.now()
      ? 'unreachable'
      : row.seenAt === null
        ? 'new'
        : 'available',
  failures: row.failures,
  last_error: row.lastError,
  hosts: hostsView(context, row, hosts),
  advice: await adviceOn(context, row),
  seen_at: iso(row.seenAt),
  inventory_at: iso(row.inventoryAt),
  created_at: iso(row.createdAt),
})

const lookAround = (context: Context, id: string) =>
  context.defer(async () => {
    const row = await cloudById(context.db, id)
    if (row?.enabled) await refreshInventory(context, row)
  })

/** Whether images are converted for clouds here, and if not, why. */
const conversionOf = ({ conversion }: Context) =>
  'lacking' in conversion
    ? { available: false, tool: null, reason: conversion.lacking }
    : { available: true, tool: conversion.tool, reason: null }

const sealed = (context: Context, id: string, version: number, credentials: Record<string, string>) =>
  Object.keys(credentials).length ? sealCredentials(context, id, version, credentials) : null

const isZone = (error: unknown): boolean =>
  error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'name-of-zone'

export const cloudOperations: Operation[] = [
  operation({
    name: 'cloud.list',
    method: 'GET',
    path: '/v1/clouds',
    who: 'admin',
    summary: 'Every cloud, in the order in which the broker prefers them.',
    status: 200,
    handle: async ({ context }) => ({
      body: {
        clouds: await Promise.all(
          (await cloudsWithHosts(context.db)).map(({ cloud, hosts }) => view(context, cloud, hosts)),
        ),
      },
    }),
  }),
  operation({
    name: 'cloud.create',
    method: 'POST',
    path: '/v1/clouds',
    who: 'admin',
    summary:
      'Registers a cloud; its zones, sizes and images are read right after. No project reaches it before it is mapped.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { cloud } }) => {
      const credentials = credentialsIn(cloud.credentials)
      const row: CloudRow = {
        id: context.newId(),
        name: cloud.name,
        type: cloud.type,
        endpoint: cloud.endpoint ?? null,
        region: cloud.region ?? null,
        options: (cloud.options ?? {}) as CloudRow['options'],
        credentials: null,
        credentialsVersion: 1,
        enabled: cloud.enabled ?? true,
        placing: true,
        placingReason: null,
        position: cloud.position ?? 0,
        failures: 0,
        breakerOpenUntil: 0,
        seenAt: null,
        inventoryAt: null,
        inventoryDueAt: 0,
        lastError: null,
        createdAt: context.now(),
      }
      await assertSound(context, { ...row, credentials })
      row.credentials = sealed(context, row.id, row.credentialsVersion, credentials)
      const entry = { action: 'create', kind: 'cloud', resourceId: row.id, detail: { name: row.name, type: row.type } }
      await commit(context, entry, [guard(context, 'name-of-zone', isZoneName(row.name)), insertCloud(context.db, row)])
      lookAround(context, row.id)
      return { body: { cloud: await view(context, row, []) } }
    },
    refuse: (error, { body: { cloud } }) =>
      isTaken(error)
        ? conflict(`There is a cloud named ${cloud.name} already.`)
        : isZone(error)
          ? conflict(
              `There is an aggregate whose availability zone is ${cloud.name}: that name would mean the cloud, too.`,
            )
          : undefined,
  }),
  operation({
    name: 'cloud.get',
    method: 'GET',
    path: '/v1/clouds/:name',
    who: 'admin',
    summary: 'One cloud.',
    status: 200,
    handle: async ({ context, params }) => {
      const found = await cloudWithHosts(context.db, params.name!)
      if (!found) throw noCloud(params.name!)
      return { body: { cloud: await view(context, found.cloud, found.hosts) } }
    },
  }),
  operation({
    name: 'cloud.update',
    method: 'PATCH',
    path: '/v1/clouds/:name',
    who: 'admin',
    summary: 'Changes how a cloud is reached, or whether it is used. Options and credentials are replaced as a whole.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { cloud } }) => {
      const row = await cloudNamed(context, params.name!)
      const fresh = cloud.credentials === undefined ? null : credentialsIn(cloud.credentials)
      const version = row.credentialsVersion + 1
      const changed: CloudRow = {
        ...row,
        endpoint: cloud.endpoint === undefined ? row.endpoint : cloud.endpoint,
        region: cloud.region === undefined ? row.region : cloud.region,
        options: (cloud.options as CloudRow['options'] | undefined) ?? row.options,
        enabled: cloud.enabled ?? row.enabled,
        position: cloud.position ?? row.position,
        failures: 0,
        breakerOpenUntil: 0,
        ...(fresh ? { credentials: sealed(context, row.id, version, fresh), credentialsVersion: version } : {}),
      }
      await assertSound(context, { ...changed, credentials: fresh ?? openCredentials(context, row) })
      const { id, credentialsVersion } = row
      const entry = { action: 'update', kind: 'cloud', resourceId: id, detail: { changed: Object.keys(cloud) } }
      const writes = [
        guard(context, 'cloud-moved', cloudMoved(id, credentialsVersion)),
        updateCloud(context.db, id, changed),
      ]
      await commit(context, entry, writes)
      lookAround(context, id)
      return { body: { cloud: await view(context, changed, await hostsOf(context.db, changed.id)) } }
    },
  }),
  operation({
    name: 'cloud.delete',
    method: 'DELETE',
    path: '/v1/clouds/:name',
    who: 'admin',
    summary: 'Forgets a cloud with its zones, offers, images and mappings; 409 while it holds resources.',
    status: 204,
    handle: async ({ context, params }) => {
      const { id, name } = await cloudNamed(context, params.name!)
      const entry = { action: 'delete', kind: 'cloud', resourceId: id, detail: { name } }
      const writes = [guard(context, 'cloud-holds', holdsAnything(id)), ...deleteCloud(context.db, id)]
      await commit(context, entry, writes)
      return {}
    },
  }),
  operation({
    name: 'cloud.check',
    method: 'POST',
    path: '/v1/clouds/:name/check',
    who: 'admin',
    summary:
      'Asks a cloud whether it answers, as which account, how far its clock is off, and what is not permitted; and whether images are converted for it here.',
    status: 200,
    handle: async ({ context, params }) => {
      const report = await checkCloud(context, await cloudNamed(context, params.name!))
      return {
        body: {
          check: {
            reachable: report.reachable,
            account: report.account,
            version: report.version,
            clock_skew_ms: report.clockSkewMs,
            denied: report.denied,
            warnings: report.warnings,
            image_conversion: conversionOf(context),
          },
        },
      }
    },
  }),
]
