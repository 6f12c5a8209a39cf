import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { ofProject } from '../../api/of-project.ts'
import { useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { notify } from '../../parts/notice.tsx'
import { nameOf } from '../../parts/words.ts'
import { useNetworks } from '../networks/use-networks.ts'
import type { Volume } from '../volumes/shapes.ts'
import type { OfServer } from './shapes.ts'

interface FreePort {
  id: string
  name: string
  fixed_ips: { ip_address: string }[]
}

/** Plugs in a new port on a network. */
export const PlugNetwork = ({ server, onClose, onDone }: OfServer) => {
  const networks = useNetworks()
  const [network, setNetwork] = useState('')
  return (
    <Confirm
      title={`Plug ${server.name} into a network`}
      verb="Plug in"
      command={[commandLine('server', 'add', 'network', server.id, network || 'NETWORK')]}
      work={async () => {
        const body = { interfaceAttachment: { net_id: network } }
        await ask('compute', `/servers/${server.id}/os-interface`, { method: 'POST', body })
        notify('The port is plugged in.')
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Network"
        choices={networks}
        none="The project has no network."
        first="Which…"
        value={network}
        onChange={setNetwork}
        required
      />
    </Confirm>
  )
}

/** Plugs in a port that is there. */
export const PlugPort = ({ server, onClose, onDone }: OfServer) => {
  const ports = useChoices<FreePort>(
    'network',
    ofProject('/ports?device_id=&fields=id&fields=name&fields=fixed_ips'),
    'ports',
  )
  const [port, setPort] = useState('')
  return (
    <Confirm
      title={`Plug a port into ${server.name}`}
      verb="Plug in"
      command={[commandLine('server', 'add', 'port', server.id, port || 'PORT')]}
      work={async () => {
        const body = { interfaceAttachment: { port_id: port } }
        await ask('compute', `/servers/${server.id}/os-interface`, { method: 'POST', body })
        notify('The port is plugged in.')
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Port"
        choices={ports}
        none="The project has no port that is in nothing: openstack port create --network NETWORK NAME makes one."
        first="Which…"
        value={port}
        onChange={setPort}
        wordsOf={(each) =>
          [nameOf(each), ...each.fixed_ips.map(({ ip_address: address }) => address)].filter(Boolean).join(' · ')
        }
        required
      />
    </Confirm>
  )
}

/** Plugs in a volume that is in nothing. */
export const PlugVolume = ({ server, onClose, onDone }: OfServer) => {
  const volumes = useChoices<Volume>('volume', '/volumes/detail?status=available', 'volumes')
  const [volume, setVolume] = useState('')
  return (
    <Confirm
      title={`Plug a volume into ${server.name}`}
      verb="Plug in"
      command={[commandLine('server', 'add', 'volume', server.id, volume || 'VOLUME')]}
      work={async () => {
        const body = { volumeAttachment: { volumeId: volume } }
        await ask('compute', `/servers/${server.id}/os-volume_attachments`, { method: 'POST', body })
        notify('The volume is plugged in.')
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Volume"
        hint="On the cloud of the server."
        choices={volumes}
        none="The project has no volume that is in nothing: the page of volumes makes one."
        first="Which…"
        value={volume}
        onChange={setVolume}
        wordsOf={(each) =>
          `${nameOf(each)} · ${each.size} GiB${each.availability_zone ? `, ${each.availability_zone}` : ''}`
        }
        required
      />
    </Confirm>
  )
}
