import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { ofProject } from '../../api/of-project.ts'
import { useChoices } from '../../api/use-choices.ts'
import { usePages } from '../../api/use-pages.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { ForMembers, RowButton, useWindow } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { CreateNetwork } from './create-network.tsx'
import { type Network, networksIn, type Subnet } from './shapes.ts'

/** Which networks are listed: what the list is of, and the filter. An administrator would see those of all projects. */
const WHICH = {
  usable: ['Networks that the project may use', (path: string) => path],
  own: ['Networks of the project', ofProject],
  shared: ['Networks that are shared', (path: string) => `${path}&shared=true`],
  external: ['External networks', (path: string) => `${path}&router:external=true`],
} as const

/** The networks of the project, and those that it may use. */
export const NetworkList = () => {
  const isAdmin = has(useStore(door).session, 'admin')
  const [which, setWhich] = useState<keyof typeof WHICH>(isAdmin ? 'own' : 'usable')
  const [caption, listed] = WHICH[which]
  const pages = usePages<Network>({
    service: 'network',
    path: listed('/networks?sort_key=name&sort_dir=asc'),
    rowsIn: networksIn,
  })
  const subnets = useChoices<Subnet>('network', listed === ofProject ? ofProject('/subnets') : '/subnets', 'subnets')
  const again = () => {
    pages.again()
    subnets.again()
  }
  const { shown, open } = useWindow()
  const columns: Column<Network>[] = [
    {
      key: 'name',
      title: 'Name',
      cell: (network) => <a href={linkTo('/networks/:id', { id: network.id })}>{nameOf(network)}</a>,
    },
    { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
    {
      key: 'subnets',
      title: 'Subnets',
      cell: ({ id, subnets: ids }) => {
        const own = subnets.rows.filter(({ network_id }) => network_id === id)
        return <span class="mono">{own.length ? own.map(({ cidr }) => cidr).join(', ') : ids.length || '–'}</span>
      },
    },
    {
      key: 'kind',
      title: 'Is',
      cell: (network) =>
        [
          network['router:external'] ? 'external' : 'internal',
          network.shared ? 'shared' : '',
          network['plimsoll:routed'] ? 'routed' : '',
        ]
          .filter(Boolean)
          .join(', '),
    },
    { key: 'zones', title: 'On', cell: ({ availability_zones: zones }) => zones.join(', ') || '–' },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (network) =>
        !network['router:external'] && (
          <RowButton
            verb="Delete"
            name={nameOf(network)}
            onClick={() =>
              open((close) => (
                <Confirm
                  title={`Delete ${nameOf(network)}`}
                  verb="Delete"
                  danger
                  command={[commandLine('network', 'delete', network.id)]}
                  work={async () => {
                    await ask('network', `/networks/${network.id}`, { method: 'DELETE' })
                    notify(`${nameOf(network)} is gone.`)
                    again()
                  }}
                  onClose={close}
                >
                  <p>Its subnets go with it. A network that something is plugged into stays.</p>
                </Confirm>
              ))
            }
          />
        ),
    },
  ]
  const make = (
    <ForMembers>
      <button
        type="button"
        class="primary"
        onClick={() => open((close) => <CreateNetwork onClose={close} onDone={again} />)}
      >
        New network
      </button>
    </ForMembers>
  )
  return (
    <>
      <Listing
        pages={pages}
        caption={caption}
        columns={columns}
        nameOf={nameOf}
        command={commandLine('network', 'list')}
        bar={
          <div class="row filter">
            {make}
            <select
              aria-label="Which networks"
              value={which}
              onChange={(event) => setWhich(event.currentTarget.value as keyof typeof WHICH)}
            >
              {Object.entries(WHICH).map(
                ([key, [words]]) =>
                  (key !== 'usable' || !isAdmin) && (
                    <option key={key} value={key}>
                      {words}
                    </option>
                  ),
              )}
            </select>
          </div>
        }
        empty={
          <Empty
            title="No network yet"
            command={[
              'openstack network create net1',
              'openstack subnet create --network net1 --subnet-range 10.0.0.0/24 sub1',
            ]}
          >
            <p>
              A network is made once, and becomes real on each cloud where something of yours is plugged into it.
              Servers on it reach each other within a cloud, and across clouds where the operator has laid a link.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}
