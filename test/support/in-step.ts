import { sql } from 'drizzle-orm'
import { remembered } from '../../adapters/sandbox/backdoor.ts'
import type { Entity, Stored } from '../../adapters/sandbox/records/entities.ts'
import type { Plimsoll } from './harness.ts'

const STORED: Stored[] = [
  'network',
  'subnet',
  'router',
  'security_group',
  'port',
  'keypair',
  'floating_ip',
  'volume',
  'snapshot',
  'image',
  'server',
]

/** What is wrong between rows and cloud; empty: they are in step. Looks at the embedded cloud's own memory. */
export const outOfStep = async (plimsoll: Plimsoll, cloud = 'sandbox'): Promise<string[]> => [
  ...(await leaksAndDuplicates(plimsoll, cloud)),
  ...(await quotaDrift(plimsoll)),
]

const leaksAndDuplicates = async (plimsoll: Plimsoll, cloud: string): Promise<string[]> => {
  const cloudId = plimsoll.cloudId(cloud)
  const now = plimsoll.clock.now
  const bound = new Set(
    (
      await plimsoll.db.all<{ id: string }>(
        sql`select kind || '/' || native_id as id from bindings where cloud_id = ${cloudId} and phase = 'bound' and want = 'present'`,
      )
    ).map(({ id }) => id),
  )
  const faults: string[] = []
  const resources = new Map<string, number>()
  for (const kind of STORED)
    for (const entity of (await remembered(plimsoll.host.cloudState, cloudId, kind)) as Entity[]) {
      if (!entity.mark || (entity.goneAt !== null && entity.goneAt <= now)) continue
      const key = `${kind} ${entity.mark.resource}`
      if (kind !== 'security_group') resources.set(key, (resources.get(key) ?? 0) + 1)
      if (!bound.delete(`${kind}/${entity.id}`)) faults.push(`leaked: ${kind} ${entity.id} of ${entity.mark.resource}`)
    }
  for (const [key, count] of resources) if (count > 1) faults.push(`${count} objects for one ${key}`)
  for (const id of bound)
    if (!id.startsWith('image/') && !id.startsWith('attachment/') && !id.startsWith('interface/'))
      faults.push(`lost: ${id} is bound and not there`)
  return faults
}

/** Each counter with the rows that justify it. */
const counted: Record<string, string> = {
  instances: `select project_id, count(*) as n from servers where deleted_at is null group by project_id`,
  cores: `select project_id, sum(flavor->>'vcpus') as n from servers where deleted_at is null group by project_id`,
  ram: `select project_id, sum(flavor->>'ramMib') as n from servers where deleted_at is null group by project_id`,
  volumes: `select project_id, count(*) as n from volumes where deleted_at is null group by project_id`,
  gigabytes: `select project_id, sum(n) as n from (select project_id, size_gib as n from volumes where deleted_at is null
    union all select project_id, size_gib as n from snapshots where deleted_at is null) group by project_id`,
  snapshots: `select project_id, count(*) as n from snapshots where deleted_at is null group by project_id`,
  network: `select project_id, count(*) as n from networks where not external group by project_id`,
  subnet: `select project_id, count(*) as n from subnets group by project_id`,
  port: `select project_id, count(*) as n from ports group by project_id`,
  router: `select project_id, count(*) as n from routers group by project_id`,
  floatingip: `select project_id, count(*) as n from floating_ips group by project_id`,
  security_group: `select project_id, count(*) as n from security_groups group by project_id`,
}

/** Counters that do not say what the rows say. */
export const quotaDrift = async (plimsoll: Plimsoll): Promise<string[]> => {
  const faults: string[] = []
  for (const [resource, query] of Object.entries(counted)) {
    const rows = await plimsoll.db.all<{ project: string; used: number; n: number }>(
      sql.raw(`select coalesce(q.project_id, c.project_id) as project, coalesce(q.used, 0) as used, coalesce(c.n, 0) as n
        from (select * from quotas where resource = '${resource}') q full join (${query}) c on c.project_id = q.project_id
        where coalesce(q.used, 0) <> coalesce(c.n, 0)`),
    )
    for (const { project, used, n } of rows) faults.push(`quota ${resource} of ${project}: ${used} used, ${n} counted`)
  }
  return faults
}
