import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { type Named, useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'

interface Assignment {
  role: Named
  user?: Named
  group?: Named
  /** Inherited: it holds not there, but in the projects below. */
  scope: { project?: Named; domain?: Named; system?: unknown; 'OS-INHERIT:inherited_to'?: string }
}

const isInherited = ({ scope }: Assignment): boolean => scope['OS-INHERIT:inherited_to'] === 'projects'
const whereOf = (each: Assignment): string => {
  const { project, domain } = each.scope
  const place = project ? `project ${project.name}` : domain ? `domain ${domain.name}` : 'everywhere'
  return isInherited(each) ? `projects below ${place}` : place
}

/** The path of an assignment, by which it is made and taken away. */
const pathOf = (each: Assignment): string => {
  const { role, user, group, scope } = each
  const who = user ? `users/${user.id}` : `groups/${group?.id}`
  const where = scope.project ? `projects/${scope.project.id}` : scope.domain ? `domains/${scope.domain.id}` : 'system'
  const path = `/${where}/${who}/roles/${role.id}`
  return isInherited(each) ? `/OS-INHERIT${path}/inherited_to_projects` : path
}
const optionsOf = (each: Assignment): [string, string | true | null][] => [
  each.user ? ['--user', each.user.id] : ['--group', each.group?.id ?? ''],
  each.scope.project
    ? ['--project', each.scope.project.id]
    : each.scope.domain
      ? ['--domain', each.scope.domain.id]
      : ['--system', 'all'],
  ['--inherited', isInherited(each) || null],
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
                  command={commandLine('role', 'remove', ...optionsOf(each), each.role.id)}
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

const Grant = ({ onClose, onDone }: WindowProps) => {
  const users = useChoices<Named>('identity', '/users', 'users', true)
  const projects = useChoices<Named>('identity', '/projects', 'projects', true)
  const roles = useChoices<Named>('identity', '/roles', 'roles', true)
  const [wish, setWish] = useState({ user: '', project: '', role: '' })
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  return (
    <Confirm
      title="Give a role"
      verb="Give it"
      command={[
        commandLine(
          'role',
          'add',
          ['--user', wish.user || 'USER'],
          ['--project', wish.project || 'PROJECT'],
          wish.role || 'ROLE',
        ),
      ]}
      work={async () => {
        await ask('identity', `/projects/${wish.project}/users/${wish.user}/roles/${wish.role}`, { method: 'PUT' })
        notify('The role is given.')
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField label="User" choices={users} first="Which…" value={wish.user} onChange={set('user')} required />
      <ChoiceField label="Role" choices={roles} first="Which…" value={wish.role} onChange={set('role')} required />
      <ChoiceField
        label="Project"
        choices={projects}
        first="Which…"
        value={wish.project}
        onChange={set('project')}
        required
      />
    </Confirm>
  )
}
