import { useCallback, useEffect, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { asFault, type Fault } from '../../api/fault.ts'
import type { PageProps } from '../../page.ts'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { Heading } from '../../parts/heading.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { goTo, linkTo } from '../../router.ts'

interface Entry {
  id: string | number
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
  const path = `/journal?${said ? `${said}&` : ''}limit=${LIMIT}`
  const [state, setState] = useState<{ rows: Entry[]; whole: boolean; asking: boolean; fault: Fault | null }>({
    rows: [],
    whole: false,
    asking: true,
    fault: null,
  })
  const read = useCallback(
    (before: string | null) => {
      setState((old) => ({ ...old, asking: true, fault: null }))
      ask<{ entries: Entry[] }>('broker', path + (before ? `&before=${encodeURIComponent(before)}` : '')).then(
        ({ entries }) =>
          setState((old) => ({
            rows: before ? [...old.rows, ...entries] : entries,
            whole: entries.length < LIMIT,
            asking: false,
            fault: null,
          })),
        (error) => setState((old) => ({ ...old, asking: false, fault: asFault(error) })),
      )
    },
    [path],
  )
  useEffect(() => read(null), [read])
  const { rows, whole, asking, fault } = state
  const last = rows.at(-1)
  return (
    <>
      <Heading title="Journal">
        <button type="button" onClick={() => read(null)}>
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
        {fault && <FaultNote fault={fault} again={() => read(rows.length && last ? String(last.id) : null)} />}
        {rows.length ? (
          <Table
            caption="The journal, newest first"
            columns={COLUMNS}
            rows={rows}
            idOf={({ id }) => String(id)}
            nameOf={({ action, target }) => `${action} ${target.type}`}
            onEnd={() => !whole && !asking && !fault && last && read(String(last.id))}
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
