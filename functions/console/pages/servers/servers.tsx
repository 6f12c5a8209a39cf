import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useEvents } from '../../api/events.ts'
import { asFault } from '../../api/fault.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { usePages } from '../../api/use-pages.ts'
import { useUntil } from '../../api/use-until.ts'
import type { PageProps } from '../../page.ts'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, type Order, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { goTo, linkTo } from '../../router.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { DEEDS, type Deed, DeedDialog } from './actions.tsx'
import { addressesOf, type Server, serversIn, zoneOf } from './shapes.ts'

const COLUMNS: Column<Server>[] = [
  {
    key: 'name',
    title: 'Name',
    sort: 'display_name',
    cell: ({ id, name }) => <a href={linkTo('/servers/:id', { id })}>{name}</a>,
  },
  {
    key: 'status',
    title: 'Status',
    sort: 'vm_state',
    cell: (server) => <Status status={server.status} task={server['OS-EXT-STS:task_state']} />,
  },
  {
    key: 'zone',
    title: 'Zone',
    sort: 'availability_zone',
    cell: (server) => zoneOf(server) || <span class="quiet">–</span>,
  },
  { key: 'flavor', title: 'Flavor', cell: ({ flavor }) => flavor.original_name },
  {
    key: 'addresses',
    title: 'Addresses',
    cell: (server) => <span class="mono">{addressesOf(server).join(', ')}</span>,
  },
  { key: 'created', title: 'Made', sort: 'created_at', cell: ({ created }) => <Time at={created} /> },
]

const STATUSES = [
  'ACTIVE',
  'BUILD',
  'ERROR',
  'SHUTOFF',
  'PAUSED',
  'SUSPENDED',
  'RESIZE',
  'VERIFY_RESIZE',
  'SHELVED_OFFLOADED',
  'REBUILD',
  'RESCUE',
]

interface Zones {
  availabilityZoneInfo: { zoneName: string }[]
}

/** What the address says that is looked for. */
const wishOf = (query: URLSearchParams) => ({
  name: query.get('name') ?? '',
  status: query.get('status') ?? '',
  zone: query.get('zone') ?? '',
  sort: query.get('sort') ?? 'created_at',
  dir: query.get('dir') === 'asc' ? 'asc' : 'desc',
})
type Wish = ReturnType<typeof wishOf>

const pathOf = ({ name, status, zone, sort, dir }: Wish): string => {
  const query = new URLSearchParams({ sort_key: sort, sort_dir: dir })
  // Nova takes a pattern; what somebody types is looked for as it stands.
  if (name) query.set('name', name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  if (status) query.set('status', status)
  if (zone) query.set('availability_zone', zone)
  return `/servers/detail?${query}`
}

/** More than so many that change at once are not asked for one by one. */
const MANY = 20
/** A list of so many is asked for anew. */
const SHORT = 200

const Servers = ({ query }: PageProps) => {
  const wish = wishOf(query)
  const path = pathOf(wish)
  const pages = usePages<Server>({ service: 'compute', path, rowsIn: serversIn })
  const zones = useAnswer<Zones>('compute', '/os-availability-zone')
  const [chosen, setChosen] = useState(new Set<string>())
  const [deed, setDeed] = useState<Deed | null>(null)
  const { isStale, show } = useLive(pages, path)
  const mayMake = has(useStore(door).session, 'member')
  const set = (change: Partial<Wish>) => goTo(linkTo('/servers', {}, { ...wish, ...change }), true)
  const order: Order = { key: wish.sort, down: wish.dir === 'desc' }
  const picked = pages.rows.filter(({ id }) => chosen.has(id))
  const isFiltered = Boolean(wish.name || wish.status || wish.zone)
  const isEmpty = !pages.asking && !pages.fault && pages.rows.length === 0
  // What was loaded is gone, and there is more behind it.
  const isDrained = isEmpty && !pages.whole
  useEffect(() => {
    if (isDrained) pages.again()
  }, [isDrained, pages.again])
  return (
    <>
      <Heading title="Servers">
        {mayMake && (
          <a class="button primary" href={linkTo('/servers/new')}>
            New server
          </a>
        )}
      </Heading>
      {isEmpty && !isDrained && !isFiltered ? (
        <Empty
          title="No server yet"
          action={
            mayMake && (
              <a class="button primary" href={linkTo('/servers/new')}>
                Make the first
              </a>
            )
          }
          command={['openstack server create --flavor m1.tiny --image IMAGE --network NETWORK --wait vm1']}
        >
          <p>
            A server is made on one of the clouds of the project. You say what it is to be; the broker says where it can
            be, for how much, and why not elsewhere, before anything is made.
          </p>
        </Empty>
      ) : (
        <>
          <Filters
            wish={wish}
            set={set}
            zones={zones.value?.availabilityZoneInfo.map(({ zoneName }) => zoneName) ?? []}
          />
          <fieldset class="row bulk" disabled={picked.length === 0}>
            <legend class="unseen">What is done to the chosen servers</legend>
            {mayMake &&
              DEEDS.map((each) => (
                <button key={each.name} type="button" onClick={() => setDeed(each)}>
                  {each.verb}
                </button>
              ))}
            <span class="quiet small" role="status">
              {picked.length ? `${picked.length} chosen` : `${pages.rows.length}${pages.whole ? '' : '+'} servers`}
            </span>
          </fieldset>
          {isStale && (
            <p class="row note">
              There are others by now.
              <button type="button" onClick={show}>
                Show them
              </button>
            </p>
          )}
          {pages.fault && <FaultNote fault={pages.fault} again={pages.again} />}
          {isEmpty && !isDrained ? (
            <p class="quiet">No server is so.</p>
          ) : (
            <Table
              caption="Servers of the project, over all clouds"
              columns={COLUMNS}
              rows={pages.rows}
              idOf={({ id }) => id}
              nameOf={({ name }) => name}
              order={order}
              onOrder={({ key, down }) => set({ sort: key, dir: down ? 'desc' : 'asc' })}
              selection={{ chosen, onChange: setChosen }}
              onEnd={pages.more}
              {...(pages.whole ? {} : { total: -1 })}
            />
          )}
          <div class="under">
            <Command
              line={commandLine(
                'server',
                'list',
                ['--name', wish.name],
                ['--status', wish.status],
                ['--availability-zone', wish.zone],
                ['--sort', `${wish.sort}:${wish.dir}`],
              )}
            />
          </div>
        </>
      )}
      {deed && (
        <DeedDialog deed={deed} servers={picked} onClose={() => setDeed(null)} onDone={() => setChosen(new Set())} />
      )}
    </>
  )
}

export default Servers

const Filters = ({ wish, set, zones }: { wish: Wish; set: (change: Partial<Wish>) => void; zones: string[] }) => {
  const [name, setName] = useState(wish.name)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const type = (value: string) => {
    setName(value)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => set({ name: value }), 250)
  }
  return (
    <search class="filter">
      <input
        type="search"
        aria-label="Name contains"
        placeholder="Name contains…"
        value={name}
        onInput={(event) => type(event.currentTarget.value)}
      />
      <select aria-label="Status" value={wish.status} onChange={(event) => set({ status: event.currentTarget.value })}>
        <option value="">any status</option>
        {STATUSES.map((status) => (
          <option key={status}>{status}</option>
        ))}
      </select>
      <select aria-label="Zone" value={wish.zone} onChange={(event) => set({ zone: event.currentTarget.value })}>
        <option value="">any zone</option>
        {zones.map((zone) => (
          <option key={zone}>{zone}</option>
        ))}
      </select>
    </search>
  )
}

/**
 * Rows become what they are as they do: those that changed are asked for. Where others came and the list is short it is asked
 * for again; a long one is not taken from whoever reads it. `isStale`: it is not what it would be by now, until `show`.
 */
const useLive = ({ rows, change, again }: ReturnType<typeof usePages<Server>>, path: string) => {
  const changed = useRef(new Set<string>())
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  const known = useRef(rows)
  known.current = rows
  const [isStale, setStale] = useState(false)
  useEffect(() => setStale(false), [path])
  useEffect(() => () => clearTimeout(timer.current ?? undefined), [])
  const look = () => {
    timer.current = null
    const ids = [...changed.current]
    changed.current.clear()
    const own = ids.filter((id) => known.current.some((row) => row.id === id))
    if (own.length < ids.length || own.length > MANY) {
      if (known.current.length <= SHORT) return again()
      setStale(true)
    }
    for (const id of own.slice(0, MANY))
      ask<{ server: Server }>('compute', `/servers/${id}`).then(
        ({ server }) => change(id, server),
        // What cannot be read any more is not what the row says.
        (error) => (asFault(error).status === 404 ? change(id, null) : setStale(true)),
      )
  }
  useEvents(({ type, resource, data }) => {
    if (type !== 'gap' && resource.kind !== 'server') return
    // What is gone is not asked for.
    if (data.status === 'DELETED') return change(resource.id, null)
    changed.current.add(type === 'gap' ? '' : resource.id)
    timer.current ??= setTimeout(look, 300)
  })
  // That a task is over, with the status as it was, no event tells.
  const busy = rows.filter((row) => row['OS-EXT-STS:task_state'])
  useUntil(busy.length > 0, () => {
    for (const { id } of busy.slice(0, MANY)) changed.current.add(id)
    look()
  })
  const show = () => {
    setStale(false)
    again()
  }
  return { isStale, show }
}
