import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import type { PartProps } from './shapes.ts'

interface Port {
  port_id: string
  net_id: string
  mac_addr: string
  port_state: string
  fixed_ips: { ip_address: string }[]
}
interface Attached {
  volumeId: string
  device: string
  delete_on_termination: boolean
}

const PORTS: Column<Port>[] = [
  {
    key: 'address',
    title: 'Addresses',
    cell: ({ fixed_ips }) => <span class="mono">{fixed_ips.map(({ ip_address }) => ip_address).join(', ')}</span>,
  },
  { key: 'mac', title: 'MAC', cell: ({ mac_addr }) => <span class="mono">{mac_addr}</span> },
  { key: 'state', title: 'State', cell: ({ port_state }) => <Status status={port_state} /> },
  { key: 'network', title: 'Network', cell: ({ net_id }) => <code>{net_id}</code> },
  { key: 'port', title: 'Port', cell: ({ port_id }) => <code>{port_id}</code> },
]
const VOLUMES: Column<Attached>[] = [
  { key: 'volume', title: 'Volume', cell: ({ volumeId }) => <code>{volumeId}</code> },
  { key: 'device', title: 'Device', cell: ({ device }) => <span class="mono">{device}</span> },
  {
    key: 'goes',
    title: 'Goes with the server',
    cell: ({ delete_on_termination }) => (delete_on_termination ? 'yes' : 'no'),
  },
]

/** What is plugged into a server. */
export const Plugged = ({ server }: PartProps) => {
  const ports = useAnswer<{ interfaceAttachments: Port[] }>('compute', `/servers/${server.id}/os-interface`)
  const volumes = useAnswer<{ volumeAttachments: Attached[] }>('compute', `/servers/${server.id}/os-volume_attachments`)
  return (
    <div class="stack">
      <Card title="Ports">
        <Waiting answer={ports}>
          {({ interfaceAttachments: rows }) =>
            rows.length ? (
              <Table
                caption="Ports of the server"
                columns={PORTS}
                rows={rows}
                idOf={({ port_id }) => port_id}
                nameOf={({ mac_addr }) => mac_addr}
              />
            ) : (
              <p class="quiet">It is on no network.</p>
            )
          }
        </Waiting>
        <div class="under">
          <Command line={commandLine('server', 'add', 'network', server.id, 'NETWORK')} />
        </div>
      </Card>
      <Card title="Volumes">
        <Waiting answer={volumes}>
          {({ volumeAttachments: rows }) =>
            rows.length ? (
              <Table
                caption="Volumes in the server"
                columns={VOLUMES}
                rows={rows}
                idOf={({ volumeId }) => volumeId}
                nameOf={({ volumeId }) => volumeId}
              />
            ) : (
              <p class="quiet">No volume is in it.</p>
            )
          }
        </Waiting>
        <div class="under">
          <Command line={commandLine('server', 'add', 'volume', server.id, 'VOLUME')} />
        </div>
      </Card>
    </div>
  )
}
