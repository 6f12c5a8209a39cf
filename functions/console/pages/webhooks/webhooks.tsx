import { useAnswer } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { ForMembers, RowButton, useWindow } from '../../parts/window.tsx'
import { linkTo } from '../../router.ts'
import { door } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { Edit } from './edit.tsx'
import { stateOf, type Webhook } from './shapes.ts'

/** Whom the project wants told of what happens. */
const Webhooks = (_: PageProps) => {
  const { session } = useStore(door)
  // To an administrator those of all projects are listed otherwise.
  const path = `/webhooks${session?.project ? `?project_id=${session.project.id}` : ''}`
  const answer = useAnswer<{ webhooks: Webhook[] }>('broker', path, 10_000)
  const { shown, open } = useWindow()
  const columns: Column<Webhook>[] = [
    { key: 'name', title: 'Name', cell: ({ id, name }) => <a href={linkTo('/webhooks/:id', { id })}>{name}</a> },
    { key: 'state', title: 'Is', cell: (row) => <Status status={stateOf(row)} /> },
    { key: 'url', title: 'Address', cell: ({ url }) => <span class="mono">{url}</span> },
    { key: 'types', title: 'Is told of', cell: ({ types }) => types.join(', ') || 'everything' },
    { key: 'made', title: 'Made', cell: ({ created_at: at }) => <Time at={at} /> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (row) => (
        <>
          <RowButton
            verb="Change"
            name={row.name}
            onClick={() => open((close) => <Edit webhook={row} onClose={close} onDone={answer.again} />)}
          />
          <RowButton
            verb="Delete"
            name={row.name}
            onClick={() =>
              open((close) => (
                <Removal
                  service="broker"
                  path={`/webhooks/${row.id}`}
                  name={row.name}
                  command={`DELETE /broker/v1/webhooks/${row.id}`}
                  onClose={close}
                  onDone={answer.again}
                >
                  <p>What was on its way is not sent any more.</p>
                </Removal>
              ))
            }
          />
        </>
      ),
    },
  ]
  const create = () => open((close) => <Edit onClose={close} onDone={answer.again} />)
  return (
    <>
      <Heading title="Webhooks">
        <ForMembers>
          <button type="button" class="primary" onClick={create}>
            New webhook
          </button>
        </ForMembers>
      </Heading>
      <Waiting answer={answer}>
        {({ webhooks }) =>
          webhooks.length ? (
            <div class="stack">
              <Table
                caption="Webhooks of the project"
                columns={columns}
                rows={webhooks}
                idOf={({ id }) => id}
                nameOf={({ name }) => name}
              />
              <Command line={`GET /broker/v1${path}`} />
            </div>
          ) : (
            <Empty
              title="No webhook yet"
              command={[
                'POST /broker/v1/webhooks  {"webhook": {"name": "chat", "url": "https://hooks.example.org/plimsoll"}}',
              ]}
            >
              <p>
                A webhook is an address that is told what happens to the things of the project: a server that is there,
                one that failed, a budget that is spent. Requests are signed, and tried again until they arrive.
              </p>
            </Empty>
          )
        }
      </Waiting>
      {shown}
    </>
  )
}

export default Webhooks
