import { useChanges } from '../../api/events.ts'
import { useAnswer } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { useWindow } from '../../parts/window.tsx'
import { moneyWords } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { Change } from './change.tsx'
import { Growth } from './growth.tsx'
import { type Burst, countsWords, type Member } from './shapes.ts'

const COLUMNS: Column<Member>[] = [
  { key: 'index', title: 'No.', number: true, cell: ({ index }) => index },
  {
    key: 'name',
    title: 'Name',
    cell: ({ server_id: id, name, ended_at: ended }) =>
      ended ? name : <a href={linkTo('/servers/:id', { id })}>{name}</a>,
  },
  { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
  { key: 'zone', title: 'Zone', cell: ({ cloud, zone }) => [cloud, zone].filter(Boolean).join('.') || '–' },
  { key: 'reported', title: 'Says', cell: ({ reported, message }) => [reported, message].filter(Boolean).join(': ') },
  { key: 'fault', title: 'Fault', cell: ({ fault, leaving }) => fault ?? leaving ?? '' },
  { key: 'made', title: 'Made', cell: ({ created_at: at }) => <Time at={at} /> },
]

const ENDED = ['done', 'failed']

/** A burst as it goes: its members, where they are, and what they cost. */
const BurstPage = ({ params }: PageProps) => {
  const path = `/bursts/${encodeURIComponent(params.id ?? '')}`
  const answer = useAnswer<{ burst: Burst }>('broker', path, 10_000)
  const members = useAnswer<{ members: Member[]; next: string | null }>('broker', `${path}/members?limit=200`, 10_000)
  useChanges(
    ['burst', 'server'],
    () => {
      answer.again()
      members.again()
    },
    1_000,
  )
  const { shown, open } = useWindow()
  const burst = answer.value?.burst
  const goesOn = burst && !ENDED.includes(burst.state)
  return (
    <>
      <Heading title={burst?.name ?? 'Burst'}>
        {goesOn && (
          <>
            <button
              type="button"
              onClick={() =>
                open((close) => <Change burst={burst} path={path} onClose={close} onDone={answer.again} />)
              }
            >
              Change
            </button>
            <button
              type="button"
              onClick={() =>
                open((close) => (
                  <Removal
                    service="broker"
                    path={path}
                    name={burst.name}
                    verb="Drain"
                    command={`DELETE /broker/v1${path}`}
                    onClose={close}
                    onDone={answer.again}
                  >
                    <p>Its members are deleted. What it cost stays to be read.</p>
                  </Removal>
                ))
              }
            >
              Drain
            </button>
          </>
        )}
        <a class="button" href={linkTo('/bursts')}>
          All bursts
        </a>
      </Heading>
      <Waiting answer={answer}>
        {({ burst: said }) => (
          <div class="stack">
            <p class="row under-heading">
              <Status status={said.state} />
              {said.reason && <span>{said.reason}</span>}
              <code class="quiet">{said.id}</code>
            </p>
            <div class="cards two">
              <Card title="Members">
                <div class="stack">
                  <div class="meter">
                    <span class="meter-label">Members</span>
                    <span class="meter-numbers">
                      {said.members.total}{' '}
                      <span class="quiet">
                        of {said.count.min} to {said.count.max}
                      </span>
                    </span>
                    <progress
                      aria-label={`Members: ${said.members.total} of at most ${said.count.max}`}
                      max={said.count.max}
                      value={said.members.total}
                    />
                  </div>
                  {Object.entries(said.members.clouds).map(([cloud, count]) => (
                    <div key={cloud} class="meter">
                      <span class="meter-label">{cloud}</span>
                      <span class="meter-numbers">{count}</span>
                      <progress
                        aria-label={`On ${cloud}: ${count} of ${said.members.total}`}
                        max={Math.max(1, said.members.total)}
                        value={count}
                      />
                    </div>
                  ))}
                  <p class="small">
                    Are: {countsWords(said.members.statuses)}. Said: {countsWords(said.members.reported)}.
                  </p>
                </div>
              </Card>
              <Card title="Money">
                <dl class="money">
                  {(
                    [
                      ['Now, per hour', said.cost.hourly],
                      ['So far', said.cost.so_far],
                      ['Until its end', said.cost.projected],
                      ['Budget', said.budget],
                    ] as const
                  ).map(([label, money]) => (
                    <div key={label}>
                      <dt>{label}</dt>
                      <dd>{money ? moneyWords(money) : '–'}</dd>
                    </div>
                  ))}
                </dl>
                {said.budget && (
                  <progress
                    aria-label={`${moneyWords(said.cost.so_far)} of ${moneyWords(said.budget)} are spent`}
                    max={Number(said.budget.amount)}
                    value={Number(said.cost.so_far.amount)}
                  />
                )}
                <p class="small under">
                  <a href={linkTo('/costs', {}, { by: 'burst' })}>Day by day, beside other bursts</a>
                </p>
                {said.deadline && (
                  <p class="small">
                    To be done <Time at={said.deadline} />.
                  </p>
                )}
              </Card>
            </div>
          </div>
        )}
      </Waiting>
      {burst && <Growth key={burst.members.total} burst={burst} />}
      <div class="stack under">
        <Waiting answer={members}>
          {({ members: rows, next }) =>
            rows.length ? (
              <>
                <Table
                  caption="Members of the burst"
                  columns={COLUMNS}
                  rows={rows}
                  idOf={({ server_id: id }) => id}
                  nameOf={({ name }) => name}
                />
                {next && <p class="quiet small">The first 200 are shown.</p>}
              </>
            ) : (
              <p class="quiet">It has no member yet.</p>
            )
          }
        </Waiting>
        <Command lines={[`GET /broker/v1${path}`, `GET /broker/v1${path}/members`]} />
      </div>
      {shown}
    </>
  )
}

export default BurstPage
