import type { CloudRow } from '../../db/queries/clouds/clouds.ts'
import { DEFAULT_DOMAIN } from '../../db/queries/identity/domains.ts'
import { SYSTEM } from '../../db/queries/identity/held.ts'
import {
  clouds,
  domains,
  flavors,
  grants,
  impliedRoles,
  mappings,
  projects,
  rates,
  roles,
  users,
} from '../../db/schema/index.ts'
import { defaultMetadefs } from '../broker/image/metadef-defaults.ts'
import type { Host } from '../context.ts'

const ROLE_NAMES = ['admin', 'manager', 'member', 'reader', 'service', 'ResellerAdmin']
/** Those that operations ask for, and what comes with them. */
const IMMUTABLE = ['admin', 'manager', 'member', 'reader', 'service']
const IMPLIED = [
  ['admin', 'manager'],
  ['manager', 'member'],
  ['member', 'reader'],
] as const
const PROJECTS = ['admin', 'demo'] as const
const ASSIGNMENTS = [
  ['admin', 'admin', 'admin'],
  ['admin', 'demo', 'admin'],
  ['demo', 'demo', 'member'],
  ['demo', 'demo', 'reader'],
] as const
/** Sizes that every cloud meets with its smallest offer: vCPUs, MiB of memory, GiB of disk. Ids as people know them. */
const COMMON_FLAVORS = [
  ['1', 'm1.tiny', 1, 512, 1],
  ['2', 'm1.small', 1, 2048, 20],
  ['3', 'm1.medium', 2, 4096, 40],
  ['4', 'm1.large', 4, 8192, 80],
  ['5', 'm1.xlarge', 8, 16384, 160],
] as const

export interface FirstStart {
  /** The password hash of a user who is made now; asked for nobody who exists. Null: he cannot log in by password. */
  hashOf(user: 'admin' | 'demo'): Promise<string | null>
  /** Registers the embedded cloud for project `demo`, with these options; absent: none. */
  sandbox?: CloudRow['options']
}

/** Ids of a Keystone: UUIDs without dashes. */
const hexId = (host: Pick<Host, 'newId'>) => host.newId().replaceAll('-', '')

/** There is a domain, be it which it may: whoever removed all of them would have removed himself before the last. */
const hasBegun = async ({ db }: Pick<Host, 'db'>): Promise<boolean> =>
  (await db.select({ id: domains.id }).from(domains).limit(1)).length > 0

/**
 * What a deployment has from its first start on. May run at every start: what is there stays as it is, and a sandbox
 * that an admin removed does not come back. True when this was the first start.
 */
export const bootstrap = async (host: Host, first: FirstStart): Promise<boolean> => {
  const { db } = host
  if (await hasBegun(host)) return false
  const now = host.now()
  const roleIds = Object.fromEntries(ROLE_NAMES.map((name) => [name, hexId(host)]))
  const projectIds = { admin: hexId(host), demo: hexId(host) }
  const userIds = { admin: hexId(host), demo: hexId(host) }
  const [admin, demo] = await Promise.all([first.hashOf('admin'), first.hashOf('demo')])
  const hashes = { admin, demo }
  const own = { domainId: DEFAULT_DOMAIN, createdAt: now }
  const sandboxId = host.newId()
  // One batch: a start that was interrupted leaves nothing, one that was overtaken changes nothing.
  const attempt = db.batch([
    db.insert(domains).values({ id: DEFAULT_DOMAIN, name: 'Default', description: 'The default domain' }),
    db.insert(projects).values(PROJECTS.map((name) => ({ ...own, id: projectIds[name], name }))),
    db.insert(users).values(
      PROJECTS.map((name) => ({
        ...own,
        id: userIds[name],
        name,
        passwordHash: hashes[name],
        passwordChangedAt: now,
      })),
    ),
    ...defaultMetadefs(host),
    db.insert(rates).values({ currency: 'USD', rate: 1, base: true, asOf: now }),
    db.insert(roles).values(
      ROLE_NAMES.map((name) => ({
        id: roleIds[name]!,
        name,
        ...(IMMUTABLE.includes(name) ? { options: { immutable: true } } : {}),
      })),
    ),
    db
      .insert(impliedRoles)
      .values(IMPLIED.map(([prior, implied]) => ({ priorId: roleIds[prior]!, impliedId: roleIds[implied]! }))),
    db.insert(grants).values([
      ...ASSIGNMENTS.map(([user, project, role]) => ({
        actorId: userIds[user],
        targetId: projectIds[project],
        roleId: roleIds[role]!,
      })),
      { actorId: userIds.admin, targetId: SYSTEM, roleId: roleIds.admin!, target: 'system' as const },
    ]),
    db
      .insert(flavors)
      .values(
        COMMON_FLAVORS.map(([id, name, vcpus, ramMib, diskGib]) => ({
          id,
          name,
          vcpus,
          ramMib,
          diskGib,
          createdAt: now,
        })),
      )
      .onConflictDoNothing(),
    ...(first.sandbox
      ? [
          db
            .insert(clouds)
            .values({ id: sandboxId, name: 'sandbox', type: 'sandbox', options: first.sandbox, createdAt: now }),
          db.insert(mappings).values({ projectId: projectIds.demo, cloudId: sandboxId, mapping: {}, createdAt: now }),
        ]
      : []),
  ])
  try {
    await attempt
  } catch (error) {
    if (!(await hasBegun(host))) throw error
    return false
  }
  return true
}
