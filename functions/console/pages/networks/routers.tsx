import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { ofProject } from '../../api/of-project.ts'
import { type Choices, useChoices } from '../../api/use-choices.ts'
import { usePages } from '../../api/use-pages.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/form.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { ForMembers, RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { type Port, type Router, routersIn, type Subnet } from './shapes.ts'
import { useOutside } from './use-networks.ts'

/** What leads from network to network, and out. */
export const Routers = () => {
  const pages = usePages<Router>({
    service: 'network',
    path: ofProject('/routers?sort_key=name&sort_dir=asc'),
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
                  command={[commandLine('router', 'delete', router.id)]}
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
            <ForMembers>
              <button
                type="button"
                class="primary"
                onClick={() => open((close) => <CreateRouter onClose={close} onDone={pages.again} />)}
              >
                New router
              </button>
            </ForMembers>
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

const CreateRouter = ({ onClose, onDone }: WindowProps) => {
  const [name, setName] = useState('')
  const [outside, setOutside] = useState('')
  const networks = useOutside()
  return (
    <Confirm
      title="New router"
      verb="Make it"
      command={[commandLine('router', 'create', ['--external-gateway', outside], name || 'NAME')]}
      work={async () => {
        const gateway = outside ? { external_gateway_info: { network_id: outside } } : {}
        await ask('network', '/routers', { method: 'POST', body: { router: { name, ...gateway } } })
        notify(`${name} is there.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <ChoiceField
        label="Gateway"
        choices={networks}
        first="none: nothing leads to the world"
        value={outside}
        onChange={setOutside}
      />
    </Confirm>
  )
}

/** Subnets of the project by their names: what a router is plugged into. */
const usePlaces = (): Choices<Subnet> =>
  useChoices('network', ofProject('/subnets?sort_key=name&sort_dir=asc'), 'subnets')
type Place = Pick<Subnet, 'id' | 'name' | 'cidr'>
const placeWords = ({ name, id, cidr }: Place): string => [name || id, cidr].filter(Boolean).join(' · ')

/** Which way a subnet goes: into a router or out of it. */
const WAYS = {
  in: { verb: 'Plug in', title: 'into', command: 'add', path: 'add_router_interface', done: 'leads there.' },
  out: {
    verb: 'Unplug',
    title: 'from',
    command: 'remove',
    path: 'remove_router_interface',
    done: 'does not lead there any more.',
  },
}

/** One of these subnets, plugged in or out. */
const Lead = ({
  way,
  router,
  places,
  none,
  onClose,
  onDone,
}: WindowProps & { way: keyof typeof WAYS; router: Router; places: Choices<Place>; none: string }) => {
  const [subnet, setSubnet] = useState('')
  const { verb, title, command, path, done } = WAYS[way]
  return (
    <Confirm
      title={`${verb} a subnet ${title} ${nameOf(router)}`}
      verb={verb}
      danger={way === 'out'}
      command={[commandLine('router', command, 'subnet', router.id, subnet || 'SUBNET')]}
      work={async () => {
        await ask('network', `/routers/${router.id}/${path}`, { method: 'PUT', body: { subnet_id: subnet } })
        notify(`${nameOf(router)} ${done}`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Subnet"
        choices={places}
        none={none}
        first="Which…"
        value={subnet}
        onChange={setSubnet}
        required
        wordsOf={placeWords}
      />
    </Confirm>
  )
}

const PlugIn = (window: WindowProps & { router: Router }) => (
  <Lead {...window} way="in" places={usePlaces()} none="The project has no subnet." />
)

const Unplug = (window: WindowProps & { router: Router }) => {
  const places = usePlaces()
  const ports = useChoices<Port>('network', `/ports?device_id=${window.router.id}`, 'ports')
  const plugged = [...new Set(ports.rows.flatMap(({ fixed_ips }) => fixed_ips.map(({ subnet_id }) => subnet_id)))]
  // One that is not listed is known by its id.
  const own = plugged.map((id) => places.rows.find((each) => each.id === id) ?? { id, name: '', cidr: '' })
  const listed = { ...ports, rows: own, fault: ports.fault ?? places.fault, seek: undefined }
  return <Lead {...window} way="out" places={listed} none="Nothing is plugged into it." />
}
