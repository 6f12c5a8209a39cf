import { useChanges } from '../../api/events.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { linkTo } from '../../router.ts'

interface Difference {
  kind: string
  resource_id: string
  project_id: string
  cloud: string
  what: string
  intent: string
  observed: string
  first_seen_at: string
}

const COLUMNS: Column<Difference>[] = [
  {
    key: 'resource',
    title: 'Of',
    cell: ({ kind, resource_id: id }) =>
      kind === 'server' ? (
        <a href={linkTo('/servers/:id', { id })}>server {id.slice(0, 8)}</a>
      ) : (
        `${kind} ${id.slice(0, 8)}`
      ),
  },
  { key: 'cloud', title: 'Cloud', cell: ({ cloud }) => cloud },
  { key: 'what', title: 'What', cell: ({ what }) => what },
  { key: 'intent', title: 'Asked for', cell: ({ intent }) => <code>{intent}</code> },
  { key: 'observed', title: 'Found', cell: ({ observed }) => <code>{observed}</code> },
  { key: 'since', title: 'Since', cell: ({ first_seen_at: at }) => <Time at={at} /> },
]

/** Where a cloud is not as it was asked to be. */
export const Drift = () => {
  const answer = useAnswer<{ drift: Difference[] }>('broker', '/drift', 30_000)
  useChanges(['server', 'network'], answer.again)
  return (
    <Waiting answer={answer}>
      {({ drift }) =>
        drift.length ? (
          <div class="stack">
            <Table
              caption="Where clouds differ from what was asked for"
              columns={COLUMNS}
              rows={drift}
              idOf={({ resource_id: id, what }) => `${id} ${what}`}
              nameOf={({ resource_id: id }) => id}
            />
            <Command line="GET /broker/v1/drift" />
          </div>
        ) : (
          <Empty title="No drift" command={['GET /broker/v1/drift']}>
            <p>
              Every cloud is as it was asked to be. Whoever stops a machine behind the broker's back, or makes it
              larger, is seen here with the next sweep: what was asked for, what was found, and since when.
            </p>
          </Empty>
        )
      }
    </Waiting>
  )
}
