import type { Json, NativeId, SubnetSpec } from '../../contract.ts'
import type { Context } from '../context.ts'

/** The plan of a subnet's addresses. vSphere has none, so the store keeps it and guests are told what follows from it. */
export interface SubnetRecord {
  id: NativeId
  spec: SubnetSpec
  mark: string
}

/** Begins with the network, so that the subnets of one are one range of keys. */
export const subnetId = (network: NativeId, token: string): NativeId => `${network}/${token}`
const key = ({ storePrefix }: Context, id: NativeId): string => `${storePrefix}/subnet/${id}`

/** The record with the version that a change of it has to name; null: there is none. */
export const subnetOf = async (
  context: Context,
  id: NativeId,
): Promise<{ record: SubnetRecord; version: number } | null> => {
  const row = await context.surroundings.store.get(key(context, id))
  return row && { record: row.value as unknown as SubnetRecord, version: row.version }
}

/** Writes a record; false: it is not at that version any more (0: it is there already). */
export const putSubnet = (context: Context, record: SubnetRecord, version: number): Promise<boolean> =>
  context.surroundings.store.put(key(context, record.id), record as unknown as Json, version)

/** Forgets a subnet; false: it was not there. */
export const dropSubnet = (context: Context, id: NativeId): Promise<boolean> =>
  context.surroundings.store.delete(key(context, id))

/** @param network only that network's */
export const subnetsPage = async (
  context: Context,
  limit: number,
  { after, network }: { after?: NativeId; network?: NativeId } = {},
): Promise<SubnetRecord[]> => {
  const prefix = `${context.storePrefix}/subnet/${network === undefined ? '' : `${network}/`}`
  const rows = await context.surroundings.store.list(
    prefix,
    limit,
    after === undefined ? undefined : key(context, after),
  )
  return rows.map(({ value }) => value as unknown as SubnetRecord)
}
