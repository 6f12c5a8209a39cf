import type { Database } from '../../client.ts'
import { CONDITIONS, narrowed, type ServerFilter } from './server-filters.ts'
import { type ServerList, SORT_COLUMNS } from './server-order.ts'
import { type Branch, pathOf } from './server-paths.ts'
import { FULL, FULLER, type Selected, type ServerView } from './server-view.ts'

/** What `GET /servers` shows. */
const BRIEF: Selected = { sql: 's.id, s.name', names: ['id', 'name'] }
/** What patterns are matched with: its addresses, the floating ones too, as a JSON list. */
const JUDGED: Selected = {
  names: ['id', 'name', 'addresses'],
  sql: `${BRIEF.sql}, (select json_group_array(address) from (
  select a.address from ports p join ip_allocations a on a.port_id = p.id
    where p.device_id = s.id and +p.project_id = s.project_id
  union all select f.floating_ip_address from ports p join floating_ips f on f.port_id = p.id
    where p.device_id = s.id and +p.project_id = s.project_id and f.floating_ip_address is not null)) as addresses`,
}

/** A page of servers with everything that a view shows. One query. */
export const viewServers = (db: Database, list: ServerList, forAdmin = false): Promise<ServerView[]> =>
  run(db, forAdmin ? FULLER : FULL, list)

/** A page of ids and names. One query. */
export const nameServers = (db: Database, list: ServerList): Promise<Pick<ServerView, 'id' | 'name'>[]> =>
  run(db, BRIEF, list)

/** The same with all of their addresses, as a JSON list. */
export const addressServers = (
  db: Database,
  list: ServerList,
): Promise<(Pick<ServerView, 'id' | 'name'> & { addresses: string })[]> => run(db, JUDGED, list)

/** Rows come as arrays: D1 sends and reads the names of all columns with every row otherwise. */
const run = async <T>(db: Database, { sql, names }: Selected, list: ServerList): Promise<T[]> => {
  const { text, values } = wordingOf(sql, list)
  const rows: unknown[][] = await db.$client
    .prepare(text)
    .bind(...values)
    .raw()
  // A copy has room for every column from the start.
  const blank: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, null]))
  return rows.map((row) => {
    const object = { ...blank }
    for (let i = 0; i < names.length; i++) object[names[i]!] = row[i]
    return object as T
  })
}

/** So many are put in order at once, where more are gone along. */
const FEW = 4_000

interface Key {
  column: string
  descending: boolean
}

/** The text of a list, with its values. A value that is bound twice is bound once. */
const wordingOf = (select: string, list: ServerList): { text: string; values: unknown[] } => {
  const { filter, marker, limit, now } = list
  const values: unknown[] = [now]
  const put = (value: unknown) =>
    `?${values.push(typeof value === 'boolean' ? Number(value) : Array.isArray(value) ? JSON.stringify(value) : value)}`
  const conditions = conditionsOf(filter, put)
  const keys = keysOf(list)
  const marked =
    marker &&
    ((of: string, project: string) => `s.id = ${of} and (${project} is null or s.project_id = ${project})`)(
      put(marker),
      put(filter.projectId ?? null),
    )
  const { branches, probe, chosen } = pathOf(list)
  const size = put(limit)
  const whereOf = ({ where, by }: Branch): string[] =>
    where ? [by ? where.replaceAll('?', put(filter[by])) : where] : []
  const from = (branch: Branch, met: string[]) =>
    `from servers s ${branch.index ? `indexed by ${branch.index}` : ''} where ${[...met, ...whereOf(branch)].join(' and ')}`
  const many =
    probe &&
    `(select count(*) from (select 1 ${from(probe.branch, ['?1 > 0', ...probe.filters.flatMap((name) => conditions[name] ?? [])])}
      limit ${FEW + 1})) > ${FEW}`
  const limited = { few: `iif(${many}, 0, ${size})`, many: `iif(${many}, ${size}, 0)` }
  const which = (what: string, branch: Branch) => {
    // `?1` is the time, used or not.
    const met = ['?1 > 0', ...Object.values(conditions), ...(marked ? beyond(keys, marked, branch) : [])]
    return `select ${what} ${from(branch, met)} ${orderBy(inBranch(keys, branch))} limit ${branch.when ? limited[branch.when] : `+${size}`}`
  }
  if (!chosen) return { text: which(select, branches[0]!), values }
  const pages = branches.map((branch) => `select * from (${which('s.rowid as chosen', branch)})`).join(' union all ')
  const text = `select ${select} from (${pages}) c cross join servers s on s.rowid = c.chosen ${orderBy(keys)} limit +${size}`
  return { text, values }
}

/** What each filter that is asked comes to. */
const conditionsOf = (
  filter: ServerFilter,
  put: (value: unknown) => string,
): Partial<Record<keyof ServerFilter, string>> => {
  // Found by their ids, they are not looked for among all that the project has.
  const beside = filter.reservationId === undefined ? '' : '+'
  const conditions: Partial<Record<keyof ServerFilter, string>> = {}
  if (filter.deleted !== undefined) conditions.deleted = `${beside}s.deleted_at is ${filter.deleted ? 'not ' : ''}null`
  for (const name of Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[]) {
    const value = filter[name]
    if (value === undefined) continue
    const [condition, by] = narrowed(name, filter) ?? [CONDITIONS[name], value]
    conditions[name] = `${name === 'projectId' ? beside : ''}${condition.replaceAll('?', put(by))}`
  }
  return conditions
}

/** The order asked for, then the time of creation and the id, which no two share. All servers of one project have that. */
const keysOf = ({ filter, order = [] }: ServerList): Key[] => {
  const descending = order[0]?.descending ?? true
  return [
    ...order
      .filter(({ key }) => key !== 'project_id' || filter.projectId === undefined)
      .map((o) => ({ column: SORT_COLUMNS[o.key] as string, descending: o.descending })),
    ...['s.created_at', 's.id'].map((column) => ({ column, descending })),
  ].filter(({ column }, i, all) => all.findIndex((each) => each.column === column) === i)
}

const orderBy = (keys: Key[]): string =>
  `order by ${keys.map((k) => `${k.column}${k.descending ? ' desc' : ''}`).join(', ')}`

/** The order as the index of a branch has it. */
const inBranch = ([first, ...others]: Key[], { column, usual }: Branch): Key[] => {
  if (usual !== undefined) return others
  return [column ? { ...first!, column } : first!, ...others]
}

/** What follows the marker in that order. `marked`: which server that is. Where all keys go one way SQLite begins at it. */
const beyond = (keys: Key[], marked: string, branch: Branch): string[] => {
  const { descending } = keys[0]!
  if (!keys.every((key) => key.descending === descending)) return [spelledOut(keys, marked)]
  const list = (of: Key[]) => of.map(({ column }) => column).join(', ')
  const than = descending ? '<' : '>'
  // As values, not as columns: two of these have no affinity together, and SQLite would not begin at the second key.
  const at = (of: Key[]) => `(select ${of.map(({ column }) => `+${column}`).join(', ')} from servers s where ${marked})`
  if (branch.usual === undefined) {
    const here = inBranch(keys, branch)
    const [{ column: first }] = here as [Key]
    // At an expression it begins only where that is compared by itself.
    const begin = /^s\.\w+$/.test(first) ? [] : [`${first} ${than}= ${at(keys.slice(0, 1))}`]
    return [...begin, `(${list(here)}) ${than} ${at(keys)}`]
  }
  // All rows of the branch are before the marker, or behind it, or begin where it was made.
  const [value, usual] = [keys[0]!.column, typeof branch.usual === 'string' ? `'${branch.usual}'` : branch.usual]
  const [all, none] = descending ? ['9e15', '-1'] : ['-1', '9e15']
  const begin = `(select case when ${value} = ${usual} then s.created_at when ${value} ${than} ${usual} then ${none} else ${all} end
    from servers s where ${marked})`
  return [`s.created_at ${than}= ${begin}`, `(${usual}, ${list(keys.slice(1))}) ${than} ${at(keys)}`]
}

const spelledOut = ([first, ...rest]: Key[], marked: string): string => {
  const at = `(select ${first!.column} from servers s where ${marked})`
  const after = `${first!.column} ${first!.descending ? '<' : '>'} ${at}`
  return rest.length ? `(${after} or (${first!.column} = ${at} and ${spelledOut(rest, marked)}))` : after
}

/** Whether a marker stands for a server that the scope may see. */
export const serverExists = async (db: Database, projectId: string | undefined, id: string): Promise<boolean> =>
  (await db.$client
    .prepare('select 1 as there from servers where id = ?1 and (?2 is null or project_id = ?2)')
    .bind(id, projectId ?? null)
    .first()) !== null
