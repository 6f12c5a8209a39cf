import type { ComponentChildren } from 'preact'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useUntil } from '../../api/use-until.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { ForMembers, RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'
import { linkTo } from '../../router.ts'
import { PlugNetwork, PlugPort, PlugVolume } from './plugging.tsx'
import type { PartProps, Server } from './shapes.ts'

interface Port {
  port_id: string
  net_id: string
  mac_addr: string
  port_state: string
  fixed_ips: { ip_address: string }[]
}
interface Attached {
  volumeId: string
  device: string | null
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
  {
    key: 'network',
    title: 'Network',
    cell: ({ net_id: id }) => (
      <a class="mono" href={linkTo('/networks/:id', { id })}>
        {id}
      </a>
    ),
  },
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

type Window = (props: WindowProps & { server: Server }) => ComponentChildren

/** What is plugged into a server, and what can be. */
export const Plugged = ({ server }: PartProps) => {
  const ports = useAnswer<{ interfaceAttachments: Port[] }>('compute', `/servers/${server.id}/os-interface`)
  const volumes = useAnswer<{ volumeAttachments: Attached[] }>('compute', `/servers/${server.id}/os-volume_attachments`)
  // A device has its name once the cloud has plugged it in.
  useUntil(volumes.value?.volumeAttachments.some(({ device }) => !device) ?? false, volumes.again)
  const { shown, open } = useWindow()
  const plug = (title: string, Window: Window, onDone: () => void) => (
    <ForMembers>
      <button type="button" onClick={() => open((close) => <Window server={server} onClose={close} onDone={onDone} />)}>
        {title}
      </button>
    </ForMembers>
  )
  /** A button that takes something out of the server. */
  const out = (name: string, path: string, command: string[], onDone: () => void, note: string) => (
    <RowButton
      verb="Take out"
      name={name}
      onClick={() =>
        open((close) => (
          <Removal
            service="compute"
            path={`/servers/${server.id}/${path}`}
            name={name}
            verb="Take out"
            command={commandLine(...command)}
            onClose={close}
            onDone={onDone}
          >
            <p>{note}</p>
          </Removal>
        ))
      }
    />
  )
  const ofPorts: Column<Port>[] = [
    ...PORTS,
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ port_id: id, mac_addr: mac }) =>
        out(
          mac,
          `os-interface/${id}`,
          ['server', 'remove', 'port', server.id, id],
          ports.again,
          'The guest loses its addresses there. A port that was made for the server goes.',
        ),
    },
  ]
  const ofVolumes: Column<Attached>[] = [
    ...VOLUMES,
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ volumeId: id }) =>
        out(
          id,
          `os-volume_attachments/${id}`,
          ['server', 'remove', 'volume', server.id, id],
          volumes.again,
          'Unmount it in the guest first: what was not written yet is lost.',
        ),
    },
  ]
  return (
    <div class="stack">
      <Card
        title="Ports"
        action={
          <div class="row">
            {plug('Plug into a network', PlugNetwork, ports.again)}
            {plug('Plug in a port', PlugPort, ports.again)}
          </div>
        }
      >
        <Waiting answer={ports}>
          {({ interfaceAttachments: rows }) =>
            rows.length ? (
              <Table
                caption="Ports of the server"
                columns={ofPorts}
                rows={rows}
                idOf={({ port_id }) => port_id}
                nameOf={({ mac_addr }) => mac_addr}
              />
            ) : (
              <p class="quiet">
                It is on no network: nobody reaches it but by its screen. A port on a network gives it an address.
              </p>
            )
          }
        </Waiting>
        <div class="under">
          <Command line={commandLine('server', 'add', 'network', server.id, 'NETWORK')} />
        </div>
      </Card>
      <Card title="Volumes" action={plug('Plug in a volume', PlugVolume, volumes.again)}>
        <Waiting answer={volumes}>
          {({ volumeAttachments: rows }) =>
            rows.length ? (
              <Table
                caption="Volumes in the server"
                columns={ofVolumes}
                rows={rows}
                idOf={({ volumeId }) => volumeId}
                nameOf={({ volumeId }) => volumeId}
              />
            ) : (
              <p class="quiet">
                No volume is in it. What is to outlive the server is kept on one: it is made on the page of volumes, on
                the same cloud.
              </p>
            )
          }
        </Waiting>
        <div class="under">
          <Command line={commandLine('server', 'add', 'volume', server.id, 'VOLUME')} />
        </div>
      </Card>
      {shown}
    </div>
  )
}
