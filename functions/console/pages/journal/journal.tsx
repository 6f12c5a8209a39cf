import { usePages } from '../../api/use-pages.ts'
import type { PageProps } from '../../page.ts'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { Heading } from '../../parts/heading.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { goTo, linkTo } from '../../router.ts'

interface Entry {
  id: string
  event_time: string
  action: string
  outcome: string
  initiator: { id: string | null; project_id: string | null }
  target: { id: string | null; type: string }
  request_id: string | null
  detail: unknown
}

/** What may be looked for: the member of the query, and what it is called. */
const FILTERS = [
  ['kind', 'Kind'],
  ['action', 'Action'],
  ['resource_id', 'Resource'],
  ['user_id', 'User'],
  ['project_id', 'Project'],
  ['request_id', 'Request'],
  ['since', 'Since'],
  ['until', 'Until'],
] as const

const LIMIT = 100
const entriesIn = (body: unknown): Entry[] =>
  (body as { entries: (Omit<Entry, 'id'> & { id: string | number })[] }).entries.map((each) => ({
    ...each,
    id: String(each.id),
  }))
const beforeLast = (_: unknown, rows: Entry[], limit: number): string | null =>
  rows.length < limit ? null : `before=${encodeURIComponent(rows.at(-1)?.id ?? '')}`
const short = (id: string | null) => (id ? <code title={id}>{id.slice(0, 12)}</code> : <span class="quiet">–</span>)

const COLUMNS: Column<Entry>[] = [
  { key: 'at', title: 'When', cell: ({ event_time: at }) => <Time at={at} /> },
  { key: 'action', title: 'Action', cell: ({ action, target }) => `${action} ${target.type}` },
  { key: 'target', title: 'Resource', cell: ({ target }) => short(target.id) },
  { key: 'user', title: 'By', cell: ({ initiator }) => short(initiator.id) },
  { key: 'project', title: 'In', cell: ({ initiator }) => short(initiator.project_id) },
  { key: 'outcome', title: 'Outcome', cell: ({ outcome }) => outcome },
  { key: 'request', title: 'Request', cell: ({ request_id: id }) => (id ? <code>{id}</code> : '–') },
  {
    key: 'detail',
    title: 'Detail',
    cell: ({ detail }) => (detail ? <code title={JSON.stringify(detail)}>{JSON.stringify(detail)}</code> : ''),
  },
]

/** Who changed what, when, and in which request. */
const Journal = ({ query }: PageProps) => {
  const wish = Object.fromEntries(FILTERS.map(([key]) => [key, query.get(key) ?? '']))
  const said = new URLSearchParams(Object.entries(wish).filter(([, value]) => value)).toString()
  const path = `/journal${said && `?${said}`}`
  const { rows, whole, asking, fault, more, again } = usePages<Entry>({
    service: 'broker',
    path,
    rowsIn: entriesIn,
    nextIn: beforeLast,
    limit: LIMIT,
  })
  return (
    <>
      <Heading title="Journal">
        <button type="button" onClick={again}>
          Read it again
        </button>
      </Heading>
      <search class="filter">
        {FILTERS.map(([key, label]) => (
          <input
            key={key}
            type="search"
            aria-label={label}
            placeholder={key === 'since' || key === 'until' ? `${label} 2026-12-01T00:00Z` : `${label}…`}
            value={wish[key]}
            onChange={(event) =>
              goTo(linkTo('/journal', {}, { ...wish, [key]: event.currentTarget.value.trim() }), true)
            }
          />
        ))}
      </search>
      <div class="stack">
        {fault && <FaultNote fault={fault} again={again} />}
        {rows.length ? (
          <Table
            caption="The journal, newest first"
            columns={COLUMNS}
            rows={rows}
            idOf={({ id }) => id}
            nameOf={({ action, target }) => `${action} ${target.type}`}
            onEnd={more}
            {...(whole ? {} : { total: -1 })}
          />
        ) : (
          !fault &&
          (asking ? (
            <p class="quiet waiting">Asking…</p>
          ) : (
            <Empty title="Nothing is written of that">
              <p>Every change is in the journal: who asked for it, in which request, and what became of it.</p>
            </Empty>
          ))
        )}
        <Command line={`GET /broker/v1${path}`} />
      </div>
    </>
  )
}

export default Journal
