import type { Mark, NativeId, Realm, Seen, ServerGroupSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import type { Context } from '../context.ts'
import { ourMark } from '../marks.ts'
import { changeGroup, dropGroup, type GroupRecord, groupOf, groupsPage, putGroup } from '../records/group-record.ts'
import { uuidOf } from '../records/machine.ts'
import { syncRules } from './group-rule.ts'
import { withoutGhosts } from './group-seats.ts'

const PAGE = 250

const idOf = async (mark: Mark): Promise<NativeId> => `group-${await uuidOf(mark.token)}`

/**
 * Groups of servers that are kept together or apart. The group itself is a record of ours; what keeps servers where they
 * were put is a rule of each cluster that has two of them (`group-rule`), which goes with them.
 */
export const serverGroup = (context: Context): Realm<ServerGroupSpec> => {
  const { connection } = context
  const seen = (record: GroupRecord): Seen => {
    const mark = ourMark(record.mark, connection.deployment)
    return { id: record.id, ...(mark ? { mark } : {}), name: record.name, health: 'ready' }
  }
  const raw = async (id: NativeId) => (await groupOf(context, id))?.record ?? null
  const records = {
    raw,
    markOf: ({ mark }: GroupRecord) => readMark(mark),
    one: seen,
    async find(mark: Mark) {
      const record = await raw(await idOf(mark))
      return record && ourMark(record.mark, connection.deployment)?.token === mark.token ? seen(record) : null
    },
    async list(cursor?: string) {
      const page = await groupsPage(context, cursor, PAGE)
      const last = page.length === PAGE ? page.at(-1)?.id : undefined
      return { items: page.map(seen), complete: true, ...(last === undefined ? {} : { next: last }) }
    },
    async remark({ id }: GroupRecord, mark: Mark | null) {
      await changeGroup(context, id, (record) => ({ ...record, mark: mark ? writeMark(mark) : '' }))
    },
  }
  return markedRealm<ServerGroupSpec, Seen, GroupRecord>(connection, records, {
    once: 'unique',
    recorded: true,
    settleMs: 0,
    async create({ name, policy, mostPerHost }, mark) {
      const record: GroupRecord = { id: await idOf(mark), name, policy, mostPerHost, mark: writeMark(mark), seats: {} }
      await putGroup(context, record, 0)
      return seen((await raw(record.id)) ?? record)
    },
    async remove({ id }) {
      const kept = await groupOf(context, id)
      if (!kept) return
      const record = await withoutGhosts(context, kept.record)
      if (Object.keys(record.seats).length) throw new CloudError('conflict', 'The group still has servers.')
      await changeGroup(context, id, () => record)
      await syncRules(context, record)
      const last = await groupOf(context, id)
      if (last && Object.keys(last.record.seats).length)
        throw new CloudError('conflict', 'The group still has servers.')
      if (last && !(await dropGroup(context, id, last.version)))
        throw new CloudError('conflict', 'The group has just been given a server.')
    },
  })
}
