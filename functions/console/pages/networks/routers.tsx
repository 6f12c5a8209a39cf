import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { usePages } from '../../api/use-pages.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { type Network, nameOf, type Port, type Router, routersIn, type Subnet } from './shapes.ts'

/** What leads from network to network, and out. */
export const Routers = () => {
  const pages = usePages<Router>({
    service: 'network',
    path: '/routers?sort_key=name&sort_dir=asc',
    rowsIn: routersIn,
  })
  const { shown, open } = useWindow()
  const columns: Column<Router>[] = [
    { key: 'name', title: 'Name', cell: nameOf },
    { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
    {
      key: 'outside',
      title: 'Address outside',
      cell: ({ external_gateway_info: gateway }) =>
        gateway ? (
          <span class="mono">
            {gateway.external_fixed_ips?.map(({ ip_address }) => ip_address).join(', ') || 'has a gateway'}
          </span>
        ) : (
          <span class="quiet">no gateway</span>
        ),
    },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (router) => (
        <>
          <RowButton
            verb="Plug in"
            name={nameOf(router)}
            onClick={() => open((close) => <PlugIn router={router} onClose={close} onDone={pages.again} />)}
          />
          <RowButton
            verb="Unplug"
            name={nameOf(router)}
            onClick={() => open((close) => <Unplug router={router} onClose={close} onDone={pages.again} />)}
          />
          <RowButton
            verb="Delete"
            name={nameOf(router)}
            onClick={() =>
              open((close) => (
                <Confirm
                  title={`Delete ${nameOf(router)}`}
                  verb="Delete"
                  danger
                  command={[commandLine('router', 'delete', nameOf(router))]}
                  work={async () => {
                    await ask('network', `/routers/${router.id}`, { method: 'DELETE' })
                    notify(`${nameOf(router)} is gone.`)
                    pages.again()
                  }}
                  onClose={close}
                >
                  <p>A router that subnets are plugged into stays.</p>
                </Confirm>
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
        caption="Routers of the project"
        columns={columns}
        nameOf={nameOf}
        command={commandLine('router', 'list')}
        bar={
          <div class="row filter">
            <button
              type="button"
              class="primary"
              onClick={() => open((close) => <CreateRouter onClose={close} onDone={pages.again} />)}
            >
              New router
            </button>
          </div>
        }
        empty={
          <Empty
            title="No router yet"
            command={[
              'openstack router create --external-gateway public router1',
              'openstack router add subnet router1 sub1',
            ]}
          >
            <p>
              A router leads from subnet to subnet, and to the world through its gateway. Floating IPs need one: they
              lead through it to a server.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}

interface WindowProps {
  onClose: () => void
  onDone: () => void
}

const CreateRouter = ({ onClose, onDone }: WindowProps) => {
  const [name, setName] = useState('')
  const [outside, setOutside] = useState('')
  const networks = useAnswer<{ networks: Network[] }>('network', '/networks?router:external=true')
  const known = networks.value?.networks ?? []
  return (
    <Confirm
      title="New router"
      verb="Make it"
      command={[
        commandLine(
          'router',
          'create',
          ['--external-gateway', known.find(({ id }) => id === outside)?.name ?? null],
          name || 'NAME',
        ),
      ]}
      work={async () => {
        const gateway = outside ? { external_gateway_info: { network_id: outside } } : {}
        await ask('network', '/routers', { method: 'POST', body: { router: { name, ...gateway } } })
        notify(`${name} is there.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <SelectField
        label="Gateway"
        value={outside}
        onChange={setOutside}
        options={[
          { value: '', label: 'none: nothing leads to the world' },
          ...known.map(({ id, name: said }) => ({ value: id, label: said || id })),
        ]}
      />
    </Confirm>
  )
}

/** Subnets by their names, each once: what a router is plugged into. */
const usePlaces = () => {
  const subnets = useAnswer<{ subnets: Subnet[] }>('network', '/subnets?limit=1000&sort_key=name&sort_dir=asc')
  return subnets.value?.subnets ?? []
}
const placeWords = ({ name, id, cidr }: Subnet): string => `${name || id.slice(0, 8)} · ${cidr}`

const PlugIn = ({ router, onClose, onDone }: WindowProps & { router: Router }) => {
  const places = usePlaces()
  const [subnet, setSubnet] = useState('')
  const named = places.find(({ id }) => id === subnet)
  return (
    <Confirm
      title={`Plug a subnet into ${nameOf(router)}`}
      verb="Plug in"
      command={[commandLine('router', 'add', 'subnet', nameOf(router), named ? nameOf(named) : 'SUBNET')]}
      work={async () => {
        const body = { subnet_id: subnet }
        await ask('network', `/routers/${router.id}/add_router_interface`, { method: 'PUT', body })
        notify(`${nameOf(router)} leads there.`)
        onDone()
      }}
      onClose={onClose}
    >
      <SelectField
        label="Subnet"
        value={subnet}
        onChange={setSubnet}
        required
        options={[
          { value: '', label: 'Which…' },
          ...places.map((each) => ({ value: each.id, label: placeWords(each) })),
        ]}
      />
    </Confirm>
  )
}

const Unplug = ({ router, onClose, onDone }: WindowProps & { router: Router }) => {
  const places = usePlaces()
  const ports = useAnswer<{ ports: Port[] }>('network', `/ports?device_id=${router.id}&limit=200`)
  const [subnet, setSubnet] = useState('')
  const plugged = new Set(ports.value?.ports.flatMap(({ fixed_ips }) => fixed_ips.map(({ subnet_id }) => subnet_id)))
  const own = places.filter(({ id }) => plugged.has(id))
  const named = own.find(({ id }) => id === subnet)
  return (
    <Confirm
      title={`Unplug a subnet from ${nameOf(router)}`}
      verb="Unplug"
      danger
      command={[commandLine('router', 'remove', 'subnet', nameOf(router), named ? nameOf(named) : 'SUBNET')]}
      work={async () => {
        const body = { subnet_id: subnet }
        await ask('network', `/routers/${router.id}/remove_router_interface`, { method: 'PUT', body })
        notify(`${nameOf(router)} does not lead there any more.`)
        onDone()
      }}
      onClose={onClose}
    >
      <SelectField
        label="Subnet"
        hint={ports.value && own.length === 0 ? 'Nothing is plugged into it.' : undefined}
        value={subnet}
        onChange={setSubnet}
        required
        options={[{ value: '', label: 'Which…' }, ...own.map((each) => ({ value: each.id, label: placeWords(each) }))]}
      />
    </Confirm>
  )
}
