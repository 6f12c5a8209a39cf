import type { Json, NativeId, ServerGrouping, ServerGroupSpec } from '../../contract.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import type { Machine } from './machine.ts'

/** Where one server of a group is to be, and is. */
export interface Seat {
  zone: string
  /** The host that was chosen for it. */
  host: string
  /** The machine, once it is there. */
  machine: NativeId | null
  /** When the host was chosen, in milliseconds since 1970. */
  at: number
  /** What it is called while vCenter still copies its disks, and the folder it is in then; absent: the seat is from before these were noted. */
  sought?: { folder: NativeId; name: string }
}

/**
 * What is known of a server group. vSphere has rules of a cluster, and none for fewer than two machines: so a group is this
 * record in the store, which says who is on which host before vCenter knows of the machines.
 */
export interface GroupRecord extends ServerGroupSpec {
  id: NativeId
  /** As `writeMark` writes it. */
  mark: string
  /** By the token of a server. */
  seats: Record<string, Seat>
}

const keyOf = ({ storePrefix }: Context, id: NativeId): string => `${storePrefix}/server-group/${id}`

/** The record with the version that a change of it has to name; null: there is no such group. */
export const groupOf = async (
  context: Context,
  id: NativeId,
): Promise<{ record: GroupRecord; version: number } | null> => {
  const row = await context.surroundings.store.get(keyOf(context, id))
  return row && { record: row.value as unknown as GroupRecord, version: row.version }
}

/** Writes a record; false: it is not at that version any more (0: it is there already). */
export const putGroup = (context: Context, record: GroupRecord, version: number): Promise<boolean> =>
  context.surroundings.store.put(keyOf(context, record.id), record as unknown as Json, version)

/** Forgets a group, if nobody has changed it meanwhile. */
export const dropGroup = (context: Context, id: NativeId, version: number): Promise<boolean> =>
  context.surroundings.store.delete(keyOf(context, id), version)

/** Changes a record whatever others do to it meanwhile; null: there is no such group. */
export const changeGroup = async (
  context: Context,
  id: NativeId,
  change: (record: GroupRecord) => GroupRecord,
): Promise<GroupRecord | null> => {
  for (;;) {
    const kept = await groupOf(context, id)
    if (!kept) return null
    const changed = change(kept.record)
    if (changed === kept.record || (await putGroup(context, changed, kept.version))) return changed
  }
}

/** Groups in an order that stays the same, after the one with the id `after`. */
export const groupsPage = async (
  context: Context,
  after: string | undefined,
  limit: number,
): Promise<GroupRecord[]> => {
  const rows = await context.surroundings.store.list(
    `${context.storePrefix}/server-group/`,
    limit,
    after && keyOf(context, after),
  )
  return rows.map(({ value }) => value as unknown as GroupRecord)
}

/** What the settings of a machine say of its group until the rule names it, and afterwards. */
const JOINING = ' joining'

/** The setting of a server that is made in a group; empty: it is in none. */
export const groupSetting = (group: ServerGrouping | null | undefined): string =>
  group && isHard(group) ? `${group.native}${JOINING}` : ''

/** The rule of its group does not name the machine yet. */
export const isJoining = ({ own }: Pick<Machine, 'own'>): boolean => own[KEY.group]?.endsWith(JOINING) ?? false

export const isHard = ({ policy }: ServerGrouping): boolean => policy === 'affinity' || policy === 'anti-affinity'
