import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Removal } from '../../parts/removal.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { useWindow } from '../../parts/window.tsx'

interface Refusal {
  zone: string
  size: string
  option: string
  shortage: string
  reason: string
  at: string
  until: string
}

const COLUMNS: Column<Refusal>[] = [
  { key: 'size', title: 'Size', cell: ({ size }) => size },
  { key: 'zone', title: 'Zone', cell: ({ zone }) => zone },
  { key: 'option', title: 'Bought', cell: ({ option }) => option },
  { key: 'shortage', title: 'Lacks', cell: ({ shortage }) => shortage },
  { key: 'reason', title: 'In its words', cell: ({ reason }) => <span title={reason}>{reason}</span> },
  { key: 'at', title: 'Refused', cell: ({ at }) => <Time at={at} /> },
  { key: 'until', title: 'Asked again', cell: ({ until }) => <Time at={until} /> },
]

/** What a cloud refused lately, and is not asked for meanwhile. */
export const Refused = ({ path }: { path: string }) => {
  const answer = useAnswer<{ refused_offers: Refusal[] }>('broker', `${path}/refused-offers`)
  const { shown, open } = useWindow()
  const forget = () =>
    open((close) => (
      <Removal
        service="broker"
        path={`${path}/refused-offers`}
        name="what it refused"
        verb="Forget"
        command={`DELETE /broker/v1${path}/refused-offers`}
        onClose={close}
        onDone={answer.again}
      >
        <p>It is asked for all of it again at once: after its limits were raised, or machines were added.</p>
      </Removal>
    ))
  return (
    <Card
      title="Refused lately"
      action={
        answer.value?.refused_offers.length ? (
          <button type="button" onClick={forget}>
            Forget it
          </button>
        ) : undefined
      }
    >
      <Waiting answer={answer}>
        {({ refused_offers: rows }) =>
          rows.length ? (
            <Table
              caption="What the cloud refused lately"
              columns={COLUMNS}
              rows={rows}
              idOf={({ zone, size, option }) => `${zone} ${size} ${option}`}
              nameOf={({ size }) => size}
            />
          ) : (
            <p class="quiet">Nothing: it made what it was asked for.</p>
          )
        }
      </Waiting>
      <div class="under">
        <Command line={`GET /broker/v1${path}/refused-offers`} />
      </div>
      {shown}
    </Card>
  )
}
