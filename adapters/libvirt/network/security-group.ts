import { type Mark, type NativeId, type Realm, reading, type SecurityGroupSpec, type Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { GROUPS, type GroupRecord, groupOfOurs, PORTS } from '../records/tables.ts'
import { keepOf, onHost } from '../wire/host.ts'
import { passagesFor } from './filter.ts'
import { hostsWith, keepFilters } from './filters.ts'

/**
 * A group is a record of ours: libvirt filters each port by itself, and what a group lets through is part of the filters of
 * those that are in it.
 */
export const securityGroup = (context: Context): Realm<SecurityGroupSpec> => {
  const { connection } = context
  const keep = keepOf(context)
  const seenOf = ({ id, mark: words, spec }: GroupRecord): Seen => {
    const mark = readMark(words)
    const own = mark?.deployment === connection.deployment ? { mark } : {}
    return { id, ...own, name: spec.name, health: 'ready' }
  }
  const find = async ({ token }: Mark): Promise<Seen | null> => {
    const kept = await GROUPS.get(keep, groupOfOurs(token))
    return kept && seenOf(kept.record)
  }
  /** @throws `definitive` for a rule that no filter keeps, or that names a group of another network */
  const check = async ({ rules, network, stateless }: SecurityGroupSpec): Promise<void> => {
    if (stateless) refuse('Filters of these hosts follow connections: no group is stateless.')
    for (const rule of rules) {
      passagesFor(rule, [])
      if (rule.group === null || rule.group === 'self') continue
      const named = await GROUPS.get(keep, rule.group)
      if (!named) throw gone(rule.group)
      if (named.record.spec.network !== network) refuse('The group is on another network.')
    }
  }
  /** On every host that has ports in it. One that does not answer keeps what it has until it does. */
  const keepOn = async (id: NativeId): Promise<void> => {
    const wanted = hostsWith(await PORTS.all(keep), id)
    const hosts = context.options.hosts.filter(({ name }) => wanted.includes(name))
    const answers = await Promise.allSettled(
      hosts.map((option) =>
        onHost(context, option, (host) => keepFilters(host, ({ spec }) => spec.securityGroups.includes(id))),
      ),
    )
    const bad = answers.find(({ status }) => status === 'rejected')
    if (bad?.status === 'rejected') throw bad.reason
  }
  return markedRealm<SecurityGroupSpec, Seen, GroupRecord>(
    connection,
    {
      raw: async (id) => (await GROUPS.get(keep, id))?.record ?? null,
      markOf: ({ mark }) => readMark(mark),
      one: seenOf,
      find,
      list: async () => ({ items: (await GROUPS.all(keep)).map(seenOf), complete: true }),
    },
    {
      once: 'unique',
      settleMs: 0,
      recorded: true,
      check,
      async create(spec, mark) {
        const id = groupOfOurs(mark.token)
        await GROUPS.put(keep, { id, mark: writeMark(mark), spec }, 0)
        return (await find(mark)) ?? Promise.reject(gone(id))
      },
      async update({ id, spec: { network } }, spec) {
        if (spec.network !== network) refuse('A group does not change its network.')
        const changed = await GROUPS.change(keep, id, (record) => ({ ...record, spec }))
        if (!changed) throw gone(id)
        await keepOn(id)
        return seenOf(changed)
      },
      async remove({ id }) {
        if ((await PORTS.all(keep)).some(({ spec }) => spec.securityGroups.includes(id)))
          throw new CloudError('conflict', 'The security group is used by a port.')
        const naming = ({ id: other, spec: { rules } }: GroupRecord) =>
          other !== id && rules.some(({ group }) => group === id)
        if ((await GROUPS.all(keep)).some(naming))
          throw new CloudError('conflict', 'A rule of another security group names this one.')
        await GROUPS.drop(keep, id)
      },
      read: ({ spec }) => reading(spec),
    },
  )
}
