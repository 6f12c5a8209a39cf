import { ask } from '../../api/ask.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { notify } from '../../parts/notice.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'

interface Orphan {
  id: string
  cloud: string
  kind: string
  native_id: string
  name: string
  size: string | null
  project_id: string
  first_seen_at: string
  sweeps: number
  in_lapse: boolean
  estimated_cost: { amount: number; currency: string } | null
}

/** Objects with our mark that no resource accounts for. */
export const Orphans = () => {
  const answer = useAnswer<{ orphans: Orphan[] }>('broker', '/orphans', 30_000)
  const { shown, open } = useWindow()
  const act = (orphan: Orphan, deed: 'adopt' | 'delete') =>
    open((close) => (
      <Confirm
        title={deed === 'adopt' ? `Take ${orphan.name} in` : `Remove ${orphan.name}`}
        verb={deed === 'adopt' ? 'Take it in' : 'Remove it'}
        danger={deed === 'delete'}
        command={[`POST /broker/v1/orphans/${orphan.id}/${deed}`]}
        work={async () => {
          await ask('broker', `/orphans/${orphan.id}/${deed}`, { method: 'POST' })
          notify(`${orphan.name} is ${deed === 'adopt' ? 'taken in' : 'removed'}.`)
          answer.again()
        }}
        onClose={close}
      >
        <p>
          {deed === 'adopt'
            ? 'It has its rows back: the resource and the project that its mark names.'
            : `It is removed from ${orphan.cloud}, after a last look that it is still ours and accounted for by nothing.`}
        </p>
      </Confirm>
    ))
  const columns: Column<Orphan>[] = [
    { key: 'name', title: 'Name', cell: ({ name }) => name },
    { key: 'kind', title: 'Is', cell: ({ kind, size }) => `${kind}${size ? `, ${size}` : ''}` },
    { key: 'cloud', title: 'Cloud', cell: ({ cloud }) => cloud },
    { key: 'native', title: 'There', cell: ({ native_id: id }) => <code>{id}</code> },
    { key: 'since', title: 'Seen first', cell: ({ first_seen_at: at }) => <Time at={at} /> },
    { key: 'sweeps', title: 'Sweeps', number: true, cell: ({ sweeps }) => sweeps },
    {
      key: 'cost',
      title: 'May have cost',
      number: true,
      cell: ({ estimated_cost: cost }) => (cost ? `${cost.amount} ${cost.currency}` : 'unpriced'),
    },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (orphan) => (
        <>
          <RowButton verb="Take in" name={orphan.name} onClick={() => act(orphan, 'adopt')} />
          <RowButton verb="Remove" name={orphan.name} onClick={() => act(orphan, 'delete')} />
        </>
      ),
    },
  ]
  return (
    <>
      <Waiting answer={answer}>
        {({ orphans }) =>
          orphans.length ? (
            <div class="stack">
              <Table
                caption="Orphans"
                columns={columns}
                rows={orphans}
                idOf={({ id }) => id}
                nameOf={({ name }) => name}
              />
              <Command line="GET /broker/v1/orphans" />
            </div>
          ) : (
            <Empty title="No orphan" command={['GET /broker/v1/orphans']}>
              <p>
                An orphan is an object on a cloud that bears our mark and that nothing here accounts for: what a broken
                call left behind. It is seen by a sweep, and kept or removed here.
              </p>
            </Empty>
          )
        }
      </Waiting>
      {shown}
    </>
  )
}
