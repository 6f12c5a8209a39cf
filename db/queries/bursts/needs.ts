import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { takesServers } from '../clouds/clouds.ts'
import { hourlyJoined, joinPrice } from '../money/prices.ts'

/**
 * The flavor on sale to a project that is large enough and costs least on demand on one of its clouds, unpriced ones last; of alike
 * ones the smallest. Common ones, and native ones where GPUs are needed: no common one has any. Null: there is none.
 */
export const cheapestFlavor = async (
  db: Database,
  projectId: string,
  { vcpus, ram, gpus }: { vcpus: number; ram: number; gpus: number },
): Promise<string | null> => {
  const [row] = await db.all<{ id: string }>(sql`
    select f.id, min(${hourlyJoined}) as hourly
    from flavors f join mappings m on m.project_id = ${projectId} join clouds c on c.id = m.cloud_id and ${takesServers}
    join offers o on o.cloud_id = c.id and case when f.native then o.name = f.name and o.gpus >= ${gpus}
      else o.gpus = 0 and o.vcpus >= f.vcpus and o.ram_mib >= f.ram_mib and (o.disk_gib = 0 or o.disk_gib >= f.disk_gib) end
    ${joinPrice({ cloudId: sql`o.cloud_id`, size: sql`o.name`, option: sql`'on-demand'`, zone: sql`''` })}
    where f.vcpus >= ${vcpus} and f.ram_mib >= ${ram} and not f.retired and f.native = ${gpus > 0 ? 1 : 0}
      and (f.native or f.is_public or exists (select 1 from flavor_access a where a.flavor_id = f.id and a.project_id = ${projectId}))
    group by f.id order by hourly is null, hourly, f.vcpus, f.ram_mib, f.disk_gib, f.name limit 1`)
  return row?.id ?? null
}
