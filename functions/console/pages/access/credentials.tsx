import { useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { Fault } from '../../api/fault.ts'
import { here } from '../../api/here.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { CheckList, TextField } from '../../parts/form.tsx'
import { Removal } from '../../parts/removal.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { door } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { Save } from './save.tsx'

interface Credential {
  id: string
  name: string
  description: string | null
  expires_at: string | null
  unrestricted: boolean
  roles: { name: string }[]
  secret?: string
}

/** Secrets by which programs come in as the user, to one project. */
export const Credentials = () => {
  const { session } = useStore(door)
  const userId = session?.user.id ?? ''
  const path = `/users/${userId}/application_credentials`
  const answer = useAnswer<{ application_credentials: Credential[] }>('identity', path)
  const { shown, open } = useWindow()
  const columns: Column<Credential>[] = [
    { key: 'name', title: 'Name', cell: ({ name }) => name },
    { key: 'id', title: 'Id', cell: ({ id }) => <code>{id}</code> },
    { key: 'roles', title: 'Roles', cell: ({ roles }) => roles.map(({ name }) => name).join(', ') },
    { key: 'ends', title: 'Ends', cell: ({ expires_at: at }) => <Time at={at} otherwise="never" /> },
    { key: 'description', title: 'Description', cell: ({ description }) => description },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ id, name }) => (
        <RowButton
          anybody
          verb="Delete"
          name={name}
          onClick={() =>
            open((close) => (
              <Removal
                service="identity"
                path={`${path}/${id}`}
                name={name}
                command={commandLine('application', 'credential', 'delete', id)}
                onClose={close}
                onDone={answer.again}
              >
                <p>Whatever uses it is out from now on.</p>
              </Removal>
            ))
          }
        />
      ),
    },
  ]
  return (
    <>
      <div class="row filter">
        <button
          type="button"
          class="primary"
          onClick={() =>
            open((close) => (
              <Create
                path={path}
                roles={session?.roles ?? []}
                onClose={close}
                onMade={(made) => {
                  answer.again()
                  open((done) => <Made made={made} onClose={done} />)
                }}
              />
            ))
          }
        >
          New application credential
        </button>
      </div>
      <Waiting answer={answer}>
        {({ application_credentials: rows }) =>
          rows.length ? (
            <div class="stack">
              <Table
                caption="Application credentials"
                columns={columns}
                rows={rows}
                idOf={({ id }) => id}
                nameOf={({ name }) => name}
              />
              <Command line={commandLine('application', 'credential', 'list')} />
            </div>
          ) : (
            <Empty title="No application credential yet" command={['openstack application credential create ci']}>
              <p>
                A program should not know your password. An application credential is a secret of its own, for this
                project, with as few of your roles as it needs, and it can be taken back by itself.
              </p>
            </Empty>
          )
        }
      </Waiting>
      {shown}
    </>
  )
}

/** A hundred years. */
const MOST_DAYS = 36_500

const Create = ({
  path,
  roles,
  onClose,
  onMade,
}: {
  path: string
  roles: string[]
  onClose: () => void
  onMade: (made: Credential) => void
}) => {
  const [wish, setWish] = useState({ name: '', description: '', days: '' })
  const [chosen, setChosen] = useState(roles)
  const made = useRef<Credential | null>(null)
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const days = Math.min(Number(wish.days) || 0, MOST_DAYS)
  const ends = days > 0 ? new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19) : null
  return (
    <Confirm
      title="New application credential"
      verb="Make it"
      command={[
        commandLine(
          'application',
          'credential',
          'create',
          ['--description', wish.description],
          ['--expiration', ends],
          ...chosen.map((role): [string, string] => ['--role', role]),
          wish.name || 'NAME',
        ),
      ]}
      work={async () => {
        if (!chosen.length) throw new Fault(0, 'Choose a role at least: a credential that names none has all of yours.')
        const { application_credential: said } = await ask<{ application_credential: Credential }>('identity', path, {
          method: 'POST',
          body: {
            application_credential: {
              name: wish.name,
              ...(wish.description ? { description: wish.description } : {}),
              ...(ends ? { expires_at: ends } : {}),
              // None would be all of them.
              ...(chosen.length < roles.length ? { roles: chosen.map((name) => ({ name })) } : {}),
            },
          },
        })
        made.current = said
      }}
      onClose={() => (made.current ? onMade(made.current) : onClose())}
    >
      <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={255} focus />
      <TextField label="Description" value={wish.description} onInput={set('description')} maxLength={255} />
      <TextField
        label="Ends after so many days"
        hint="Empty: never."
        type="number"
        min="1"
        max={String(MOST_DAYS)}
        value={wish.days}
        onInput={set('days')}
      />
      <CheckList
        legend="Roles"
        options={roles.map((role) => ({ value: role, label: role }))}
        chosen={chosen}
        onChange={setChosen}
      />
    </Confirm>
  )
}

/** The file by which the openstack command logs in with it. */
const fileOf = ({ id, secret }: Credential): string =>
  [
    'clouds:',
    '  plimsoll:',
    '    auth_type: v3applicationcredential',
    '    auth:',
    `      auth_url: ${here('identity/v3')}`,
    `      application_credential_id: ${id}`,
    `      application_credential_secret: "${secret ?? ''}"`,
    '    identity_api_version: 3',
    '',
  ].join('\n')

const Made = ({ made, onClose }: { made: Credential; onClose: () => void }) => (
  <Dialog title={`The secret of ${made.name}`}>
    <div class="stack">
      <p>It is shown now, and never again.</p>
      <TextField label="Id" value={made.id} readonly />
      <TextField label="Secret" value={made.secret ?? ''} readonly />
      <Command lines={['export OS_CLIENT_CONFIG_FILE=clouds.yaml OS_CLOUD=plimsoll', 'openstack server list']} />
      <div class="row end">
        <Save text={fileOf(made)} name="clouds.yaml">
          Save clouds.yaml
        </Save>
        <button type="button" onClick={onClose}>
          I have it
        </button>
      </div>
    </div>
  </Dialog>
)
