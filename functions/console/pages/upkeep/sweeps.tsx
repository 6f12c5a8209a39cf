import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer, useDoing } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import type { Load } from '../overview/clouds.tsx'

interface Unit {
  cloud: string
  account: string
  kind: string
  calls: number
  listed: number
  known: number
  changed: number
  missing: number
  complete: boolean
  braked: boolean
  orphans: number
  removed: number
  error: string | null
  started_at?: string
  duration_ms?: number
}
interface Swept {
  units: Unit[]
  skipped: { cloud: string; kind: string; why: string }[]
}

const COLUMNS: Column<Unit>[] = [
  { key: 'cloud', title: 'Cloud', cell: ({ cloud }) => cloud },
  { key: 'kind', title: 'Of', cell: ({ kind }) => kind.replaceAll('_', ' ') },
  {
    key: 'state',
    title: 'Went',
    cell: ({ error, braked, complete }) => (
      <span title={error ?? undefined}>
        <Status
          status={error ? 'failed' : braked ? 'braked' : complete ? 'whole' : 'in part'}
          tone={error ? 'bad' : braked || !complete ? 'busy' : 'good'}
        />
      </span>
    ),
  },
  { key: 'listed', title: 'Listed', number: true, cell: ({ listed }) => listed },
  { key: 'known', title: 'Known', number: true, cell: ({ known }) => known },
  { key: 'changed', title: 'Changed', number: true, cell: ({ changed }) => changed },
  { key: 'missing', title: 'Missing', number: true, cell: ({ missing }) => missing },
  { key: 'orphans', title: 'Orphans', number: true, cell: ({ orphans }) => orphans },
  { key: 'calls', title: 'Calls', number: true, cell: ({ calls }) => calls },
  { key: 'took', title: 'Took', number: true, cell: ({ duration_ms: ms }) => (ms === undefined ? '–' : `${ms} ms`) },
  { key: 'at', title: 'When', cell: ({ started_at: at }) => <Time at={at} otherwise="now" /> },
  { key: 'error', title: 'Why not', cell: ({ error }) => error ?? '' },
]

const UnitTable = ({ caption, units }: { caption: string; units: Unit[] }) => (
  <Table
    caption={caption}
    columns={COLUMNS}
    rows={units}
    idOf={({ cloud, account, kind }) => `${cloud} ${account} ${kind}`}
    nameOf={({ cloud, kind }) => `${kind} of ${cloud}`}
  />
)

/** The breakers of the clouds, the last sweep of each unit, and one that is done now. */
export const Sweeps = () => {
  const answer = useAnswer<{ units: Unit[] }>('broker', '/reconcile', 15_000)
  const loads = useAnswer<{ loads: Load[] }>('broker', '/loads', 15_000)
  const [swept, setSwept] = useState<Swept | null>(null)
  const { busy, fault, run } = useDoing()
  const sweep = (dry: boolean) =>
    run(async () => {
      const said = await ask<Swept>('broker', `/reconcile${dry ? '?dry_run=true' : ''}`, { method: 'POST' })
      setSwept(dry ? said : null)
      notify(`${said.units.length} units were ${dry ? 'looked through' : 'swept'}, ${said.skipped.length} were not.`)
      answer.again()
    })
  return (
    <div class="stack">
      <Card title="Breakers">
        <Waiting answer={loads}>
          {({ loads: clouds }) => (
            <ul class="plain-list">
              {clouds.map((load) => (
                <li key={load.cloud} class="row">
                  <strong>{load.cloud}</strong>
                  {load.breaker_open_until ? (
                    <>
                      <Status status="open" tone="bad" />
                      <span>
                        tried again <Time at={load.breaker_open_until} />
                      </span>
                    </>
                  ) : (
                    <Status status="closed" tone="good" />
                  )}
                  {load.last_error && <span class="quiet small">{load.last_error}</span>}
                  <span class="spring" />
                  <span class="small quiet">
                    swept <Time at={load.swept_at} otherwise="not yet" />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Waiting>
      </Card>
      <div class="row">
        <button type="button" class="primary" disabled={busy} onClick={() => sweep(false)}>
          {busy ? 'Sweeping…' : 'Sweep now'}
        </button>
        <button type="button" disabled={busy} onClick={() => sweep(true)}>
          Only look what a sweep would do
        </button>
      </div>
      {fault && <FaultNote fault={fault} />}
      {swept && (
        <Card title="What a sweep would do">
          <UnitTable caption="What a sweep would do" units={swept.units} />
          {swept.skipped.map(({ cloud, kind, why }) => (
            <p key={`${cloud} ${kind}`} class="small">
              {kind} of {cloud} was left out: {why.replaceAll('_', ' ')}.
            </p>
          ))}
        </Card>
      )}
      <Waiting answer={answer}>
        {({ units }) =>
          units.length ? (
            <UnitTable caption="The last sweep of every unit" units={units} />
          ) : (
            <p class="quiet">Nothing was swept yet: that begins with the first thing that is made.</p>
          )
        }
      </Waiting>
      <Command lines={['GET /broker/v1/reconcile', 'POST /broker/v1/reconcile?dry_run=true']} />
    </div>
  )
}
