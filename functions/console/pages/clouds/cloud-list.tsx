import { useAnswer } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { linkTo } from '../../router.ts'
import type { Cloud } from './shapes.ts'

const COLUMNS: Column<Cloud>[] = [
  { key: 'position', title: 'Turn', number: true, cell: ({ position }) => position },
  { key: 'name', title: 'Name', cell: ({ name }) => <a href={linkTo('/clouds/:name', { name })}>{name}</a> },
  { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
  { key: 'type', title: 'Type', cell: ({ type }) => type },
  {
    key: 'where',
    title: 'Where',
    cell: ({ endpoint, region }) => endpoint ?? region ?? <span class="quiet">here</span>,
  },
  {
    key: 'placing',
    title: 'Takes servers',
    cell: ({ placing, placing_reason: why }) => <span title={why ?? undefined}>{placing ? 'yes' : 'no'}</span>,
  },
  { key: 'failures', title: 'Failures', number: true, cell: ({ failures }) => failures },
  { key: 'seen', title: 'Answered', cell: ({ seen_at: at }) => <Time at={at} otherwise="never" /> },
  { key: 'error', title: 'Last error', cell: ({ last_error: error }) => error ?? '' },
]

/** Every cloud, in the order in which the broker prefers them. */
export const CloudList = () => {
  const answer = useAnswer<{ clouds: Cloud[] }>('broker', '/clouds', 10_000)
  return (
    <Waiting answer={answer}>
      {({ clouds }) =>
        clouds.length ? (
          <div class="stack">
            <Table
              caption="Registered clouds"
              columns={COLUMNS}
              rows={clouds}
              idOf={({ id }) => id}
              nameOf={({ name }) => name}
            />
            <Command line="GET /broker/v1/clouds" />
          </div>
        ) : (
          <Empty
            title="No cloud yet"
            action={
              <a class="button primary" href={linkTo('/clouds/register')}>
                Register the first
              </a>
            }
          >
            <p>A cloud is registered with what it takes to reach it, checked, and then mapped to projects.</p>
          </Empty>
        )
      }
    </Waiting>
  )
}
