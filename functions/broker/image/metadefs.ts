import {
  deleteItem,
  deleteItems,
  deleteNamespace,
  insertItems,
  insertNamespace,
  type MetadefItem,
  type MetadefKind,
  type NamespaceRow,
  namespaceOverfull,
  updateItem,
  updateNamespace,
} from '../../../db/queries/image/metadefs.ts'
import type { Context } from '../../context.ts'
import { commit, guard, type Write } from '../line/commit.ts'

/** What is said of one thing in a namespace. */
export interface ItemWish {
  kind: MetadefKind
  name: string
  body: Record<string, unknown>
}
export type NamespaceWish = Omit<NamespaceRow, 'id' | 'createdAt' | 'updatedAt'>

const entry = (action: string, { id, namespace }: Pick<NamespaceRow, 'id' | 'namespace'>) => ({
  action,
  kind: 'metadef_namespace',
  resourceId: id,
  detail: { namespace },
})

const rowsOf = (context: Context, namespaceId: string, wishes: ItemWish[]): MetadefItem[] => {
  const now = context.now()
  return wishes.map((wish) => ({ ...wish, namespaceId, createdAt: now, updatedAt: now }))
}

const puts = (context: Context, namespaceId: string, rows: MetadefItem[]): Write[] =>
  rows.length ? [insertItems(context.db, rows), guard(context, 'metadefs-full', namespaceOverfull(namespaceId))] : []

/** A namespace with what is in it. Throws `Refused`: `taken`, or guard `metadefs-full`. */
export const createNamespace = async (
  context: Context,
  wish: NamespaceWish,
  wishes: ItemWish[],
): Promise<{ row: NamespaceRow; items: MetadefItem[] }> => {
  const now = context.now()
  const row = { ...wish, id: context.newId(), createdAt: now, updatedAt: now }
  const items = rowsOf(context, row.id, wishes)
  await commit(context, entry('create', row), [insertNamespace(context.db, row), ...puts(context, row.id, items)])
  return { row, items }
}

/** Throws `Refused` (`taken`) where another one has the new name. */
export const changeNamespace = async (
  context: Context,
  row: NamespaceRow,
  set: Partial<NamespaceWish>,
): Promise<NamespaceRow> => {
  const changed = { ...row, ...set, updatedAt: context.now() }
  await commit(context, entry('update', row), [updateNamespace(context.db, row.id, changed)])
  return changed
}

/** A namespace goes, with all that is in it. */
export const removeNamespace = (context: Context, row: NamespaceRow): Promise<void> =>
  commit(context, entry('delete', row), [...deleteNamespace(context.db, row.id)])

/** Puts things into a namespace; `instead`: in place of all that was there of that kind. Throws as `createNamespace` does. */
export const putItems = async (
  context: Context,
  row: NamespaceRow,
  wishes: ItemWish[],
  instead?: MetadefKind,
): Promise<MetadefItem[]> => {
  const items = rowsOf(context, row.id, wishes)
  await commit(context, entry('fill', row), [
    ...(instead ? [deleteItems(context.db, row.id, instead)] : []),
    ...puts(context, row.id, items),
  ])
  return items
}

/** Another name or another body for one thing. Throws `Refused` (`taken`). */
export const changeItem = async (
  context: Context,
  row: NamespaceRow,
  item: MetadefItem,
  set: Pick<MetadefItem, 'name' | 'body'>,
): Promise<MetadefItem> => {
  const changed = { ...item, ...set, updatedAt: context.now() }
  await commit(context, entry('fill', row), [updateItem(context.db, item, changed)])
  return changed
}

/** One thing leaves a namespace. */
export const removeItem = (context: Context, row: NamespaceRow, item: MetadefItem): Promise<void> =>
  commit(context, entry('empty', row), [deleteItem(context.db, item)])

/** All of one kind leaves a namespace. */
export const removeItems = (context: Context, row: NamespaceRow, kind: MetadefKind): Promise<void> =>
  commit(context, entry('empty', row), [deleteItems(context.db, row.id, kind)])
