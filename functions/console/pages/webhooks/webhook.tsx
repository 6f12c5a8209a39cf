import { ask } from '../../api/ask.ts'
import { useAnswer, useDoing } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { ForMembers, RowButton, useWindow } from '../../parts/window.tsx'
import { linkTo } from '../../router.ts'
import { Edit } from './edit.tsx'
import { type Delivery, stateOf, type Webhook } from './shapes.ts'

/** A webhook, and what became of what was sent to it. */
const WebhookPage = ({ params }: PageProps) => {
  const path = `/webhooks/${encodeURIComponent(params.id ?? '')}`
  const answer = useAnswer<{ webhook: Webhook }>('broker', path)
  const deliveries = useAnswer<{ deliveries: Delivery[] }>('broker', `${path}/deliveries`, 5_000)
  const { shown, open } = useWindow()
  const { busy, fault, run } = useDoing()
  const webhook = answer.value?.webhook
  const send = (to: string, said: string) =>
    run(async () => {
      await ask('broker', to, { method: 'POST' })
      notify(said)
      deliveries.again()
    })
  const columns: Column<Delivery>[] = [
    { key: 'type', title: 'Event', cell: ({ type }) => type },
    { key: 'status', title: 'Is', cell: ({ status }) => <Status status={status} /> },
    { key: 'tries', title: 'Tries', number: true, cell: ({ tries }) => tries },
    { key: 'answer', title: 'Answer', cell: ({ answer: said, error }) => said?.status ?? error ?? '–' },
    { key: 'tried', title: 'Tried', cell: ({ tried_at: at }) => <Time at={at} otherwise="not yet" /> },
    { key: 'next', title: 'Next', cell: ({ next_try_at: at }) => <Time at={at} /> },
    { key: 'of', title: 'Of', cell: ({ resource_id: id }) => <code>{id}</code> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ id, type }) => (
        <RowButton
          verb="Send again"
          name={`${type} ${id.slice(0, 12)}`}
          disabled={busy}
          onClick={() => void send(`${path}/deliveries/${id}/replay`, 'It is sent once more.')}
        />
      ),
    },
  ]
  return (
    <>
      <Heading title={webhook?.name ?? 'Webhook'}>
        {webhook && (
          <ForMembers>
            <button type="button" disabled={busy} onClick={() => void send(`${path}/test`, 'A test is on its way.')}>
              Send a test
            </button>
            <button
              type="button"
              onClick={() => open((close) => <Edit webhook={webhook} onClose={close} onDone={answer.again} />)}
            >
              Change
            </button>
          </ForMembers>
        )}
        <a class="button" href={linkTo('/webhooks')}>
          All webhooks
        </a>
      </Heading>
      <div class="stack">
        {fault && <FaultNote fault={fault} />}
        <Waiting answer={answer}>
          {({ webhook: said }) => (
            <Card title="What it is" action={<Status status={stateOf(said)} />}>
              <Facts
                facts={[
                  [
                    'Address',
                    <span key="url" class="mono">
                      {said.url}
                    </span>,
                  ],
                  ['Is told of', said.types.join(', ') || 'everything'],
                  ['Off because', said.disabled_reason ?? undefined],
                  ['Fails since', said.failing_since ? <Time key="since" at={said.failing_since} /> : undefined],
                  ['Made', <Time key="made" at={said.created_at} />],
                ]}
              />
            </Card>
          )}
        </Waiting>
        <Card title="What was sent in the last three days">
          <Waiting answer={deliveries}>
            {({ deliveries: rows }) =>
              rows.length ? (
                <Table
                  caption="Deliveries, newest first"
                  columns={columns}
                  rows={rows}
                  idOf={({ id }) => id}
                  nameOf={({ type }) => type}
                />
              ) : (
                <p class="quiet">Nothing yet: what happens from now on is. A test says whether it arrives.</p>
              )
            }
          </Waiting>
          <div class="under">
            <Command lines={[`GET /broker/v1${path}/deliveries`, `POST /broker/v1${path}/test`]} />
          </div>
        </Card>
      </div>
      {shown}
    </>
  )
}

export default WebhookPage
