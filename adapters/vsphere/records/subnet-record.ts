import type { Json, NativeId, SubnetSpec } from '../../contract.ts'
import type { Context } from '../context.ts'

/** The plan of a subnet's addresses. vSphere has none, so the store keeps it and guests are told what follows from it. */
export interface SubnetRecord {
  id: NativeId
  spec: SubnetSpec
  mark: string
}

export const subnetId = (network: NativeId, token: string): NativeId => `${network}/${token}`
const key = ({ storePrefix }: Context, id: NativeId): string => `${storePrefix}/subnet/${id}`

export const subnetOf = async (
  context: Context,
  id: NativeId,
): Promise<{ record: SubnetRecord; version: number } | null> => {
  const row = await context.surroundings.store.get(key(context, id))
  return row && { record: row.value as unknown as SubnetRecord, version: row.version }
}

export const putSubnet = (context: Context, record: SubnetRecord, version: number): Promise<boolean> =>
  context.surroundings.store.put(key(context, record.id), record as unknown as Json, version)

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
