import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { ofProject } from '../../api/of-project.ts'
import { usePages } from '../../api/use-pages.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { CheckList, TextField } from '../../parts/form.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import type { Column } from '../../parts/table.tsx'
import { ForMembers, RowButton, useWindow } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { goTo, linkTo } from '../../router.ts'
import { groupsIn, type SecurityGroup } from './shapes.ts'

/** What may reach servers, by groups that they are in. */
export const SecurityGroups = () => {
  const pages = usePages<SecurityGroup>({
    service: 'network',
    path: ofProject('/security-groups?sort_key=name&sort_dir=asc'),
    rowsIn: groupsIn,
  })
  const { shown, open } = useWindow()
  const columns: Column<SecurityGroup>[] = [
    {
      key: 'name',
      title: 'Name',
      cell: (group) => <a href={linkTo('/networks/groups/:id', { id: group.id })}>{nameOf(group)}</a>,
    },
    { key: 'description', title: 'Description', cell: ({ description }) => description },
    { key: 'rules', title: 'Rules', number: true, cell: ({ security_group_rules: rules }) => rules.length },
    { key: 'stateful', title: 'Answers pass', cell: ({ stateful }) => (stateful ? 'by themselves' : 'by a rule only') },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (group) =>
        group.name !== 'default' && (
          <RowButton
            verb="Delete"
            name={nameOf(group)}
            onClick={() =>
              open((close) => (
                <Confirm
                  title={`Delete ${nameOf(group)}`}
                  verb="Delete"
                  danger
                  command={[commandLine('security', 'group', 'delete', group.id)]}
                  work={async () => {
                    await ask('network', `/security-groups/${group.id}`, { method: 'DELETE' })
                    notify(`${nameOf(group)} is gone.`)
                    pages.again()
                  }}
                  onClose={close}
                />
              ))
            }
          />
        ),
    },
  ]
  return (
    <>
      <Listing
        pages={pages}
        caption="Security groups of the project"
        columns={columns}
        nameOf={nameOf}
        command={commandLine('security', 'group', 'list')}
        bar={
          <div class="row filter">
            <ForMembers>
              <button type="button" class="primary" onClick={() => open((close) => <CreateGroup onClose={close} />)}>
                New security group
              </button>
            </ForMembers>
          </div>
        }
        empty={
          <Empty title="No security group yet" command={['openstack security group create web']}>
            <p>
              A security group says what is let through to the servers that are in it. What no rule lets in stays
              outside.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}

const CreateGroup = ({ onClose }: { onClose: () => void }) => {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [stateful, setStateful] = useState(true)
  return (
    <Confirm
      title="New security group"
      verb="Make it"
      command={[
        commandLine(
          'security',
          'group',
          'create',
          ['--description', description],
          ['--stateless', stateful ? null : true],
          name || 'NAME',
        ),
      ]}
      work={async () => {
        const { security_group: group } = await ask<{ security_group: SecurityGroup }>('network', '/security-groups', {
          method: 'POST',
          body: { security_group: { name, description, ...(stateful ? {} : { stateful }) } },
        })
        notify(`${name} is there: it lets everything out, and nothing in.`)
        goTo(linkTo('/networks/groups/:id', { id: group.id }))
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <TextField label="Description" value={description} onInput={setDescription} maxLength={255} />
      <CheckList
        legend="Answers"
        options={[{ value: 'stateful', label: 'pass by themselves (stateful)' }]}
        chosen={stateful ? ['stateful'] : []}
        onChange={(chosen) => setStateful(chosen.length > 0)}
      />
    </Confirm>
  )
}
