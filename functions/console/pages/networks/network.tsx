import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { usePages } from '../../api/use-pages.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { ForMembers, RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { type Network, type Port, portsIn, reachWords, type Subnet } from './shapes.ts'

/** A network with its subnets and its ports. */
const NetworkPage = ({ params }: PageProps) => {
  const id = encodeURIComponent(params.id ?? '')
  const answer = useAnswer<{ network: Network }>('network', `/networks/${id}`)
  const subnets = useAnswer<{ subnets: Subnet[] }>('network', `/subnets?network_id=${id}&limit=500`)
  const ports = usePages<Port>({ service: 'network', path: `/ports?network_id=${id}`, rowsIn: portsIn })
  const { shown, open } = useWindow()
  return (
    <>
      <Heading title={answer.value ? nameOf(answer.value.network) : 'Network'}>
        {answer.value && !answer.value.network['router:external'] && (
          <ForMembers>
            <button
              type="button"
              onClick={() =>
                open((close) => <CreateSubnet network={answer.value!.network} onClose={close} onDone={subnets.again} />)
              }
            >
              New subnet
            </button>
          </ForMembers>
        )}
        <a class="button" href={linkTo('/networks')}>
          All networks
        </a>
      </Heading>
      <Waiting answer={answer}>
        {({ network }) => (
          <div class="stack">
            <Card title="What it is">
              <Facts
                facts={[
                  ['Status', <Status key="status" status={network.status} />],
                  ['Id', <code key="id">{network.id}</code>],
                  ['Is', network['router:external'] ? 'external' : network.shared ? 'shared' : 'internal'],
                  ['On', network.availability_zones.join(', ') || 'no cloud yet: it comes with what is plugged in'],
                  ['MTU', network.mtu],
                  ['Routed', network['plimsoll:routed'] ? 'yes' : 'no'],
                  ['Description', network.description || undefined],
                ]}
              />
              {network['plimsoll:reach'].length > 0 && (
                <ul class="plain-list under">
                  {network['plimsoll:reach'].map(({ clouds, reach }) => (
                    <li key={clouds.join()}>
                      {clouds.join(' and ')} {reachWords(reach)}.
                    </li>
                  ))}
                </ul>
              )}
            </Card>
            <Card title="Subnets">
              <Waiting answer={subnets}>
                {({ subnets: rows }) =>
                  rows.length ? (
                    <ul class="plain-list">
                      {rows.map((subnet) => (
                        <li key={subnet.id} class="row">
                          <strong>{nameOf(subnet)}</strong>
                          <span class="mono">{subnet.cidr}</span>
                          <span class="quiet small">
                            {subnet.gateway_ip ? `gateway ${subnet.gateway_ip}` : 'no gateway'},{' '}
                            {subnet.enable_dhcp ? 'DHCP' : 'no DHCP'}
                            {subnet.dns_nameservers.length > 0 && `, names from ${subnet.dns_nameservers.join(', ')}`}
                            {subnet.segment_id && `, segment ${subnet.segment_id.slice(0, 8)}`}
                          </span>
                          <span class="spring" />
                          <RowButton
                            verb="Delete"
                            name={nameOf(subnet)}
                            onClick={() =>
                              open((close) => (
                                <Confirm
                                  title={`Delete ${nameOf(subnet)}`}
                                  verb="Delete"
                                  danger
                                  command={[commandLine('subnet', 'delete', subnet.id)]}
                                  work={async () => {
                                    await ask('network', `/subnets/${subnet.id}`, { method: 'DELETE' })
                                    notify(`${nameOf(subnet)} is gone.`)
                                    subnets.again()
                                  }}
                                  onClose={close}
                                />
                              ))
                            }
                          />
                        </li>
                      ))}
                    </ul>
                  ) : (
                    <p class="quiet">None yet: nothing on it has an address.</p>
                  )
                }
              </Waiting>
            </Card>
            <Card title="Ports">
              <Listing
                pages={ports}
                caption="Ports of the network"
                columns={PORTS}
                nameOf={({ name, mac_address }) => name || mac_address}
                command={commandLine('port', 'list', '--network', network.id)}
                empty={<p class="quiet">Nothing is plugged into it.</p>}
              />
            </Card>
          </div>
        )}
      </Waiting>
      {shown}
    </>
  )
}

export default NetworkPage

const PORTS: Column<Port>[] = [
  {
    key: 'addresses',
    title: 'Addresses',
    cell: ({ fixed_ips }) => (
      <span class="mono">{fixed_ips.map(({ ip_address }) => ip_address).join(', ') || '–'}</span>
    ),
  },
  { key: 'mac', title: 'MAC', cell: ({ mac_address }) => <span class="mono">{mac_address}</span> },
  { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
  {
    key: 'of',
    title: 'Plugged into',
    cell: ({ device_id: id, device_owner: owner }) =>
      owner.startsWith('compute:') ? (
        <a href={linkTo('/servers/:id', { id })}>server {id.slice(0, 8)}</a>
      ) : owner ? (
        owner.replace(/^network:/, '').replaceAll('_', ' ')
      ) : (
        <span class="quiet">nothing</span>
      ),
  },
  {
    key: 'filters',
    title: 'Filtered',
    cell: ({ port_security_enabled: isOn, security_groups: groups }) =>
      isOn ? `by ${groups.length} group${groups.length === 1 ? '' : 's'}` : 'no',
  },
]

const CreateSubnet = ({ network, onClose, onDone }: WindowProps & { network: Network }) => {
  const [name, setName] = useState('')
  const [cidr, setCidr] = useState('')
  const version = cidr.includes(':') ? 6 : 4
  return (
    <Confirm
      title={`New subnet of ${nameOf(network)}`}
      verb="Make it"
      command={[
        commandLine(
          'subnet',
          'create',
          ['--network', network.id],
          ['--subnet-range', cidr || 'CIDR'],
          ['--ip-version', version === 6 ? '6' : null],
          name || 'NAME',
        ),
      ]}
      work={async () => {
        const subnet = { network_id: network.id, name, ip_version: version, cidr }
        await ask('network', '/subnets', { method: 'POST', body: { subnet } })
        notify(`${name} is there.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <TextField
        label="Addresses"
        hint="As CIDR: 10.0.1.0/24."
        value={cidr}
        onInput={setCidr}
        required
        maxLength={64}
      />
    </Confirm>
  )
}
