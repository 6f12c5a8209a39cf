import {
  deleteMadeType,
  deleteQosSpecs,
  deleteTypeAccess,
  insertMadeType,
  insertQosSpecs,
  insertTypeAccess,
  type MadeTypeRow,
  moveTypesWithQos,
  otherQos,
  type QosRow,
  qosInUse,
  qosMoved,
  setDefaultType,
  typeInUse,
  typeMoved,
  unsetDefaultType,
  updateMadeType,
  updateQosSpecs,
  withoutQos,
} from '../../../db/queries/block-storage/made-types.ts'
import type { Context } from '../../context.ts'
import { commit, guard, type Write } from '../line/commit.ts'

/** What an operator may say of a type. */
export type TypeWish = Pick<MadeTypeRow, 'name' | 'description' | 'isPublic' | 'extraSpecs'>

const write = (context: Context, action: string, kind: string, resourceId: string, writes: Write[]): Promise<void> =>
  commit(context, { action, kind, resourceId }, writes)

/** Two changes in one millisecond are two. */
const nextChange = (context: Context, { updatedAt }: MadeTypeRow): number => Math.max(context.now(), updatedAt + 1)

/** A new volume type. Throws `Refused` (`taken`) where its name is. */
export const createType = async (context: Context, wish: TypeWish): Promise<MadeTypeRow> => {
  const now = context.now()
  const row = { ...wish, id: context.newId(), qosSpecsId: null, encryption: null, createdAt: now, updatedAt: now }
  await write(context, 'create', 'volume_type', row.id, [insertMadeType(context.db, row)])
  return row
}

/** Changes a type as it was read. Guards: `type-moved` where somebody was faster. Throws `Refused` (`taken`) for a name. */
export const changeType = async (
  context: Context,
  type: MadeTypeRow,
  set: Partial<Omit<MadeTypeRow, 'id' | 'createdAt' | 'updatedAt'>>,
  action = 'update',
  unused = false,
): Promise<MadeTypeRow> => {
  const updatedAt = nextChange(context, type)
  await write(context, action, 'volume_type', type.id, [
    guard(context, 'type-moved', typeMoved(type)),
    ...(unused ? [guard(context, 'type-in-use', typeInUse(type.id))] : []),
    updateMadeType(context.db, type.id, { ...set, updatedAt }),
  ])
  return { ...type, ...set, updatedAt }
}

/** Takes a type away. Guard: `type-in-use`. */
export const removeType = (context: Context, { id }: MadeTypeRow): Promise<void> =>
  write(context, 'delete', 'volume_type', id, [
    guard(context, 'type-in-use', typeInUse(id)),
    ...deleteMadeType(context.db, id),
  ])

/** Lets a project use a type that is not public. Throws `Refused` (`taken`) where it may already. */
export const grantType = (context: Context, { id }: MadeTypeRow, projectId: string): Promise<void> =>
  write(context, 'add_access', 'volume_type', id, [insertTypeAccess(context.db, id, projectId)])

/** Lets it no longer; its volumes keep the type. */
export const revokeType = (context: Context, { id }: MadeTypeRow, projectId: string): Promise<void> =>
  write(context, 'remove_access', 'volume_type', id, [deleteTypeAccess(context.db, id, projectId)])

/** Says what type volumes of a project have where none is named; null: nothing. */
export const sayDefaultType = (context: Context, projectId: string, typeId: string | null): Promise<void> =>
  write(context, 'set_default_type', 'project', projectId, [
    typeId === null ? unsetDefaultType(context.db, projectId) : setDefaultType(context.db, projectId, typeId),
  ])

/** New QoS specs. Throws `Refused` (`taken`) where their name is. */
export const createQos = async (context: Context, wish: Omit<QosRow, 'id' | 'createdAt'>): Promise<QosRow> => {
  const row = { ...wish, id: context.newId(), createdAt: context.now() }
  await write(context, 'create', 'qos_specs', row.id, [insertQosSpecs(context.db, row)])
  return row
}

/** Changes QoS specs as they were read. Guard: `qos-moved` where somebody was faster. */
export const changeQos = (context: Context, qos: QosRow, set: Partial<QosRow>): Promise<void> =>
  write(context, 'update', 'qos_specs', qos.id, [
    guard(context, 'qos-moved', qosMoved(qos)),
    updateQosSpecs(context.db, qos.id, set),
    moveTypesWithQos(context.db, qos.id, context.now()),
  ])

/** Takes QoS specs away; `force` from the types that have them, too. Guard: `qos-in-use`. */
export const removeQos = (context: Context, { id }: QosRow, force: boolean): Promise<void> =>
  write(context, 'delete', 'qos_specs', id, [
    ...(force ? [] : [guard(context, 'qos-in-use', qosInUse(id))]),
    ...deleteQosSpecs(context.db, id),
  ])

/** Volumes of the type are to be made with these specs. Guards: `qos-other`, `type-in-use`. */
export const associateQos = (context: Context, { id }: QosRow, type: MadeTypeRow): Promise<void> =>
  write(context, 'associate', 'qos_specs', id, [
    guard(context, 'qos-other', otherQos(type.id, id)),
    guard(context, 'type-in-use', typeInUse(type.id)),
    updateMadeType(context.db, type.id, { qosSpecsId: id, updatedAt: nextChange(context, type) }),
  ])

/** They are not any more: those of one type, or (null) of all. */
export const disassociateQos = (context: Context, { id }: QosRow, typeId: string | null): Promise<void> =>
  write(context, 'disassociate', 'qos_specs', id, [
    typeId === null ? withoutQos(context.db, id) : updateMadeType(context.db, typeId, { qosSpecsId: null }),
  ])
