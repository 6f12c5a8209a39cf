import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { countWords } from '../../parts/words.ts'

interface Due {
  queue: string
  count: number
  oldest_at: string | null
}
interface Loop {
  loop: string
  next_at: string | null
  overdue_seconds: number | null
}
interface CloudHealth {
  cloud: string
  status: string
  failures: number
  credentials: string
  failed_bindings: number
  seen_at: string | null
  sweeps: { failed_units: number; orphans: number; missing: number; due_at: string | null } | null
}
/** What `GET /broker/v1/health` says. */
interface Health {
  status: string
  troubles: string[]
  runtime: string
  started_at: string | null
  clock: { behind_seconds: number }
  database: { writable: boolean; reason: string | null }
  due: Due[]
  under_way: Record<string, number>
  counted_to: number
  loops: Loop[]
  clouds: CloudHealth[]
}

/** So often is looked again, in milliseconds: each look writes a row. */
const EVERY = 30_000

const LOOPS: Column<Loop>[] = [
  { key: 'loop', title: 'Loop', cell: ({ loop }) => loop },
  { key: 'next', title: 'Comes again', cell: ({ next_at: at }) => <Time at={at} otherwise="when it is called" /> },
  {
    key: 'late',
    title: 'Late by',
    number: true,
    cell: ({ overdue_seconds: late }) => (late ? `${countWords(Math.round(late))} s` : '–'),
  },
]
const CLOUDS: Column<CloudHealth>[] = [
  { key: 'cloud', title: 'Cloud', cell: ({ cloud }) => cloud },
  { key: 'status', title: 'Is', cell: ({ status }) => <Status status={status} /> },
  { key: 'failures', title: 'Failures', number: true, cell: ({ failures }) => failures },
  { key: 'credentials', title: 'Credentials', cell: ({ credentials }) => credentials },
  { key: 'failed', title: 'Failed things', number: true, cell: ({ failed_bindings: failed }) => failed },
  { key: 'sweeps', title: 'Failed sweeps', number: true, cell: ({ sweeps }) => sweeps?.failed_units ?? '–' },
  { key: 'orphans', title: 'Orphans', number: true, cell: ({ sweeps }) => sweeps?.orphans ?? '–' },
  { key: 'seen', title: 'Answered', cell: ({ seen_at: at }) => <Time at={at} otherwise="never" /> },
]

/** How the house stands, for whoever runs it: first in sentences. */
export const HealthPart = () => {
  const answer = useAnswer<{ health: Health }>('broker', '/health', EVERY)
  return (
    <Waiting answer={answer}>
      {({ health }) => {
        const counted = (count: number) => `${countWords(count)}${count >= health.counted_to ? ' or more' : ''}`
        return (
          <div class="stack">
            <Card
              title="How it stands"
              action={<Status status={health.status} tone={health.troubles.length ? 'bad' : 'good'} />}
            >
              {health.troubles.length ? (
                <ul class="plain-list">
                  {health.troubles.map((each) => (
                    <li key={each}>{each}</li>
                  ))}
                </ul>
              ) : (
                <p class="quiet">Nothing is wrong that is known.</p>
              )}
              <div class="under">
                <Facts
                  facts={[
                    ['Runs on', health.runtime],
                    ['Since', health.started_at ? <Time key="since" at={health.started_at} /> : undefined],
                    [
                      'Database',
                      health.database.writable ? 'is written' : (health.database.reason ?? 'is not written'),
                    ],
                    ['Clock', health.clock.behind_seconds ? `${health.clock.behind_seconds} s behind` : 'is right'],
                    ...Object.entries(health.under_way).map(([phase, count]): [string, string] => [
                      `Under way: ${phase}`,
                      counted(count),
                    ]),
                  ]}
                />
              </div>
            </Card>
            <Card title="What is due">
              {health.due.some(({ count }) => count) ? (
                <ul class="plain-list">
                  {health.due
                    .filter(({ count }) => count)
                    .map(({ queue, count, oldest_at: at }) => (
                      <li key={queue} class="row">
                        <span>{queue}</span>
                        <span class="spring" />
                        <span>{counted(count)}</span>
                        <span class="small quiet">
                          the oldest <Time at={at} />
                        </span>
                      </li>
                    ))}
                </ul>
              ) : (
                <p class="quiet">Nothing waits.</p>
              )}
            </Card>
            <Table
              caption="Clouds"
              columns={CLOUDS}
              rows={health.clouds}
              idOf={({ cloud }) => cloud}
              nameOf={({ cloud }) => cloud}
            />
            <Table
              caption="Loops"
              columns={LOOPS}
              rows={health.loops}
              idOf={({ loop }) => loop}
              nameOf={({ loop }) => loop}
            />
            <Command line="GET /broker/v1/health" />
          </div>
        )
      }}
    </Waiting>
  )
}
