import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { usePages } from '../../api/use-pages.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { Create } from './create.tsx'

interface User {
  id: string
  name: string
  domain_id: string
  email?: string
  enabled: boolean
}
const usersIn = (body: unknown): User[] => (body as { users: User[] }).users

/** Keystone gives its lists whole. */
const WHOLE = 1_000_000

/** The users, and whether they come in. */
export const Users = () => {
  const pages = usePages<User>({ service: 'identity', path: '/users', rowsIn: usersIn, limit: WHOLE })
  const { shown, open } = useWindow()
  const columns: Column<User>[] = [
    { key: 'name', title: 'Name', cell: ({ name }) => name },
    {
      key: 'enabled',
      title: 'Comes in',
      cell: ({ enabled }) => <Status status={enabled ? 'yes' : 'no'} tone={enabled ? 'good' : 'idle'} />,
    },
    { key: 'domain', title: 'Domain', cell: ({ domain_id: domain }) => domain },
    { key: 'email', title: 'Mail', cell: ({ email }) => email ?? '' },
    { key: 'id', title: 'Id', cell: ({ id }) => <code>{id}</code> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ id, name, enabled }) => (
        <>
          <RowButton
            verb={enabled ? 'Lock out' : 'Let in'}
            name={name}
            onClick={() =>
              open((close) => (
                <Confirm
                  title={`${enabled ? 'Lock out' : 'Let in'} ${name}`}
                  verb={enabled ? 'Lock out' : 'Let in'}
                  danger={enabled}
                  command={[commandLine('user', 'set', enabled ? '--disable' : '--enable', id)]}
                  work={async () => {
                    const body = { user: { enabled: !enabled } }
                    await ask('identity', `/users/${id}`, { method: 'PATCH', body })
                    notify(`${name} ${enabled ? 'is locked out' : 'comes in again'}.`)
                    pages.again()
                  }}
                  onClose={close}
                >
                  {enabled && <p>Every token of {name} ends at once.</p>}
                </Confirm>
              ))
            }
          />
          <RowButton
            verb="Delete"
            name={name}
            onClick={() =>
              open((close) => (
                <Removal
                  service="identity"
                  path={`/users/${id}`}
                  name={name}
                  command={commandLine('user', 'delete', id)}
                  onClose={close}
                  onDone={pages.again}
                />
              ))
            }
          />
        </>
      ),
    },
  ]
  return (
    <>
      <Listing
        pages={pages}
        caption="Users"
        columns={columns}
        nameOf={({ name }) => name}
        command={commandLine('user', 'list', '--long')}
        bar={
          <div class="row filter">
            <button
              type="button"
              class="primary"
              onClick={() =>
                open((close) => (
                  <Create
                    title="New user"
                    member="user"
                    most={255}
                    more={{ key: 'password', label: 'First password' }}
                    command={({ name }) => commandLine('user', 'create', '--password-prompt', name)}
                    done="is there. Roles say what is theirs to do."
                    onClose={close}
                    onDone={pages.again}
                  />
                ))
              }
            >
              New user
            </button>
          </div>
        }
        empty={
          <Empty title="No user yet" command={['openstack user create --password-prompt NAME']}>
            <p>A user comes in by a password, or by an identity provider, and may what roles in projects say.</p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}
