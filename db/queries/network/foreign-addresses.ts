import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'

/** An address of a subnet that nobody is given; `portId` of what is none of ours is `<cloud>/<native id>`. */
export interface TakenAddress {
  subnetId: string
  address: string
  portId: string
}

/** Subnets that a cloud shows to some projects. A lent one stands for several. */
export const subnetsBound = (db: Database, cloudId: string, projectIds: string[]) =>
  db.all<{ nativeId: string; subnetId: string }>(sql`select native_id as nativeId, resource_id as subnetId from bindings
    where cloud_id = ${cloudId} and kind = 'subnet' and phase = 'bound'
      and project_id in ${among(projectIds)}`)

/** What others hold on a cloud, as far as it was noted; `there`: the subnet is. */
export const takenOn = (db: Database, cloudId: string) =>
  db.all<TakenAddress & { there: number }>(sql`select subnet_id as subnetId, address, port_id as portId,
      exists (select 1 from subnets s where s.id = subnet_id) as there
    from lingering_addresses where port_id >= ${`${cloudId}/`} and port_id < ${`${cloudId}0`}`)

/** One statement each, however many; none for nothing. */
export const changeTaken = async (
  db: Database,
  { gone, come }: { gone: TakenAddress[]; come: TakenAddress[] },
): Promise<void> => {
  const listed = (rows: TakenAddress[]) =>
    sql`(select value->>'subnetId', value->>'address', value->>'portId' from json_each(${JSON.stringify(rows)}))`
  if (gone.length)
    await db.run(sql`delete from lingering_addresses where (subnet_id, address, port_id) in ${listed(gone)}`)
  if (come.length)
    await db.run(sql`insert or ignore into lingering_addresses (subnet_id, address, port_id)
      select value->>'subnetId', value->>'address', value->>'portId' from json_each(${JSON.stringify(come)})`)
}
