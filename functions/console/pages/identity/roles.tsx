import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'

interface Named {
  id: string
  name: string
}
interface Assignment {
  role: Named
  user?: Named
  group?: Named
  scope: { project?: Named; domain?: Named; system?: unknown }
}

const whereOf = ({ scope }: Assignment): string =>
  scope.project ? `project ${scope.project.name}` : scope.domain ? `domain ${scope.domain.name}` : 'everywhere'

/** The path of an assignment, by which it is made and taken away. */
const pathOf = ({ role, user, group, scope }: Assignment): string => {
  const who = user ? `users/${user.id}` : `groups/${group?.id}`
  const where = scope.project ? `projects/${scope.project.id}` : scope.domain ? `domains/${scope.domain.id}` : 'system'
  return `/${where}/${who}/roles/${role.id}`
}
const optionsOf = ({ user, group, scope }: Assignment): [string, string][] => [
  user ? ['--user', user.name] : ['--group', group?.name ?? ''],
  scope.project
    ? ['--project', scope.project.name]
    : scope.domain
      ? ['--domain', scope.domain.name]
      : ['--system', 'all'],
]

/** Who has which role where. */
export const Roles = () => {
  const answer = useAnswer<{ role_assignments: Assignment[] }>('identity', '/role_assignments?include_names=true')
  const { shown, open } = useWindow()
  const columns: Column<Assignment>[] = [
    { key: 'who', title: 'Who', cell: ({ user, group }) => user?.name ?? `group ${group?.name}` },
    { key: 'role', title: 'Role', cell: ({ role }) => role.name },
    { key: 'where', title: 'Where', cell: whereOf },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (each) => {
        const name = `${each.role.name} of ${each.user?.name ?? each.group?.name}`
        return (
          <RowButton
            verb="Take away"
            name={name}
            onClick={() =>
              open((close) => (
                <Removal
                  service="identity"
                  path={pathOf(each)}
                  name={name}
                  verb="Take away"
                  command={commandLine('role', 'remove', ...optionsOf(each), each.role.name)}
                  onClose={close}
                  onDone={answer.again}
                />
              ))
            }
          />
        )
      },
    },
  ]
  return (
    <>
      <div class="row filter">
        <button
          type="button"
          class="primary"
          onClick={() => open((close) => <Grant onClose={close} onDone={answer.again} />)}
        >
          Give a role
        </button>
      </div>
      <Waiting answer={answer}>
        {({ role_assignments: rows }) => (
          <div class="stack">
            <Table
              caption="Roles that are given"
              columns={columns}
              rows={rows}
              idOf={pathOf}
              nameOf={({ role }) => role.name}
            />
            <Command line={commandLine('role', 'assignment', 'list', '--names')} />
          </div>
        )}
      </Waiting>
      {shown}
    </>
  )
}

const Grant = ({ onClose, onDone }: { onClose: () => void; onDone: () => void }) => {
  const users = useAnswer<{ users: Named[] }>('identity', '/users')
  const projects = useAnswer<{ projects: Named[] }>('identity', '/projects')
  const roles = useAnswer<{ roles: Named[] }>('identity', '/roles')
  const [wish, setWish] = useState({ user: '', project: '', role: '' })
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const named = (all: Named[] | undefined, id: string, otherwise: string) =>
    all?.find((each) => each.id === id)?.name ?? otherwise
  const options = (all: Named[] | undefined) => [
    { value: '', label: 'Which…' },
    ...(all ?? []).map(({ id, name }) => ({ value: id, label: name })),
  ]
  return (
    <Confirm
      title="Give a role"
      verb="Give it"
      command={[
        commandLine(
          'role',
          'add',
          ['--user', named(users.value?.users, wish.user, 'USER')],
          ['--project', named(projects.value?.projects, wish.project, 'PROJECT')],
          named(roles.value?.roles, wish.role, 'ROLE'),
        ),
      ]}
      work={async () => {
        await ask('identity', `/projects/${wish.project}/users/${wish.user}/roles/${wish.role}`, { method: 'PUT' })
        notify('The role is given.')
        onDone()
      }}
      onClose={onClose}
    >
      <SelectField
        label="User"
        value={wish.user}
        onChange={set('user')}
        options={options(users.value?.users)}
        required
      />
      <SelectField
        label="Role"
        value={wish.role}
        onChange={set('role')}
        options={options(roles.value?.roles)}
        required
      />
      <SelectField
        label="Project"
        value={wish.project}
        onChange={set('project')}
        options={options(projects.value?.projects)}
        required
      />
    </Confirm>
  )
}
