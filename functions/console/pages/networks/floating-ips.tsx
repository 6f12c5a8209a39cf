import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { ofProject } from '../../api/of-project.ts'
import { useChoices } from '../../api/use-choices.ts'
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
import { addressesIn, type FloatingIp, type Port } from './shapes.ts'
import { useOutside } from './use-networks.ts'

const addressOf = ({ floating_ip_address: address }: FloatingIp): string => address

/** Public addresses, and to which servers they lead. */
export const FloatingIps = () => {
  const pages = usePages<FloatingIp>({ service: 'network', path: ofProject('/floatingips'), rowsIn: addressesIn })
  const outside = useOutside()
  const { shown, open } = useWindow()
  const columns: Column<FloatingIp>[] = [
    { key: 'address', title: 'Address', cell: (row) => <span class="mono">{addressOf(row)}</span> },
    { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
    {
      key: 'leads',
      title: 'Leads to',
      cell: ({ fixed_ip_address: fixed }) =>
        fixed ? <span class="mono">{fixed}</span> : <span class="quiet">nothing</span>,
    },
    {
      key: 'of',
      title: 'Of',
      cell: ({ floating_network_id: id }) => outside.rows.find((each) => each.id === id)?.name || id.slice(0, 8),
    },
    { key: 'description', title: 'Description', cell: ({ description }) => description },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (row) => (
        <>
          {row.port_id ? (
            <RowButton
              verb="Take off"
              name={addressOf(row)}
              onClick={() =>
                open((close) => (
                  <Confirm
                    title={`Take ${addressOf(row)} off`}
                    verb="Take off"
                    command={[commandLine('floating', 'ip', 'unset', '--port', row.id)]}
                    work={async () => {
                      await ask('network', `/floatingips/${row.id}`, {
                        method: 'PUT',
                        body: { floatingip: { port_id: null } },
                      })
                      notify(`${addressOf(row)} leads nowhere.`)
                      pages.again()
                    }}
                    onClose={close}
                  >
                    <p>The address stays yours, and costs what it does.</p>
                  </Confirm>
                ))
              }
            />
          ) : (
            <RowButton
              verb="Lead to a server"
              name={addressOf(row)}
              onClick={() => open((close) => <LeadTo row={row} onClose={close} onDone={pages.again} />)}
            />
          )}
          <RowButton
            verb="Give back"
            name={addressOf(row)}
            onClick={() =>
              open((close) => (
                <Confirm
                  title={`Give ${addressOf(row)} back`}
                  verb="Give back"
                  danger
                  command={[commandLine('floating', 'ip', 'delete', row.id)]}
                  work={async () => {
                    await ask('network', `/floatingips/${row.id}`, { method: 'DELETE' })
                    notify(`${addressOf(row)} is given back.`)
                    pages.again()
                  }}
                  onClose={close}
                >
                  <p>Somebody else may have this address next.</p>
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
        caption="Floating IPs of the project"
        columns={columns}
        nameOf={addressOf}
        command={commandLine('floating', 'ip', 'list')}
        bar={
          <div class="row filter">
            <ForMembers>
              <button
                type="button"
                class="primary"
                onClick={() => open((close) => <Allocate onClose={close} onDone={pages.again} />)}
              >
                New floating IP
              </button>
            </ForMembers>
          </div>
        }
        empty={
          <Empty
            title="No floating IP yet"
            command={['openstack floating ip create public', 'openstack server add floating ip vm1 ADDRESS']}
          >
            <p>
              A floating IP is a public address that you keep: it leads to a server, and to another one tomorrow. The
              server's network needs a router with a gateway.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}

const Allocate = ({ onClose, onDone }: WindowProps) => {
  const outside = useOutside()
  const [chosen, setNetwork] = useState('')
  const network = chosen || (outside.rows[0]?.id ?? '')
  const [description, setDescription] = useState('')
  return (
    <Confirm
      title="New floating IP"
      verb="Take one"
      command={[commandLine('floating', 'ip', 'create', ['--description', description], network || 'NETWORK')]}
      work={async () => {
        const { floatingip } = await ask<{ floatingip: FloatingIp }>('network', '/floatingips', {
          method: 'POST',
          body: { floatingip: { floating_network_id: network, description } },
        })
        notify(`${floatingip.floating_ip_address} is yours.`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="External network"
        choices={outside}
        none="No network leads to the world: an administrator makes one."
        first="Whose addresses…"
        value={network}
        onChange={setNetwork}
        required
        wordsOf={({ name, description: said }) => (said ? `${name} · ${said}` : name)}
      />
      <TextField label="Description" value={description} onInput={setDescription} maxLength={255} />
    </Confirm>
  )
}

const LeadTo = ({ row, onClose, onDone }: WindowProps & { row: FloatingIp }) => {
  const servers = useChoices<{ id: string; name: string }>(
    'compute',
    '/servers?sort_key=display_name&sort_dir=asc',
    'servers',
  )
  const [server, setServer] = useState('')
  const ports = useChoices<Port>('network', server ? `/ports?device_id=${server}` : null, 'ports')
  const [chosen, setPort] = useState('')
  const port = ports.rows.some(({ id }) => id === chosen) ? chosen : (ports.rows[0]?.id ?? '')
  return (
    <Confirm
      title={`Lead ${addressOf(row)} to a server`}
      verb="Lead there"
      command={[commandLine('floating', 'ip', 'set', '--port', port || 'PORT', row.id)]}
      work={async () => {
        await ask('network', `/floatingips/${row.id}`, { method: 'PUT', body: { floatingip: { port_id: port } } })
        notify(`${addressOf(row)} leads there.`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Server"
        choices={servers}
        none="The project has no server."
        first="Which…"
        value={server}
        onChange={setServer}
        required
      />
      {server && (
        <ChoiceField
          label="Its port"
          choices={ports}
          none="It is on no network."
          first="Which…"
          value={port}
          onChange={setPort}
          required
          wordsOf={({ id, fixed_ips: ips }) => ips.map(({ ip_address: address }) => address).join(', ') || id}
        />
      )}
    </Confirm>
  )
}
