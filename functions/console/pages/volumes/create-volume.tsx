import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { nameOf, type Snapshot, type Volume, type WindowProps } from './shapes.ts'

interface Zones {
  availabilityZoneInfo: { zoneName: string; zoneState: { available: boolean } }[]
}

/** Of what a volume is made: the member of the body, and the option of the command line. */
const SOURCES = {
  snapshot: ['snapshot_id', '--snapshot'],
  volume: ['source_volid', '--source'],
  image: ['imageRef', '--image'],
} as const

/** A volume, empty or made of something that is there. `source`: `snapshot:ID`, `volume:ID`, `image:ID`, or nothing. */
export const CreateVolume = ({ onClose, onDone, source: first = '' }: WindowProps & { source?: string }) => {
  const [wish, setWish] = useState({ name: '', size: '10', type: '', zone: '', source: first })
  const types = useAnswer<{ volume_types: { name: string; description: string | null }[] }>('volume', '/types')
  const zones = useAnswer<Zones>('compute', '/os-availability-zone')
  const snapshots = useAnswer<{ snapshots: Snapshot[] }>('volume', '/snapshots/detail?status=available&limit=200')
  const volumes = useAnswer<{ volumes: Volume[] }>('volume', '/volumes/detail?limit=200')
  const images = useAnswer<{ images: { id: string; name: string | null }[] }>(
    'image',
    '/images?status=active&sort=name:asc&limit=200',
  )
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const known = [
    ...(snapshots.value?.snapshots ?? []).map((each) => ({ key: `snapshot:${each.id}`, name: nameOf(each) })),
    ...(volumes.value?.volumes ?? []).map((each) => ({ key: `volume:${each.id}`, name: nameOf(each) })),
    ...(images.value?.images ?? []).map((each) => ({ key: `image:${each.id}`, name: nameOf(each) })),
  ]
  const [kind = '', id = ''] = wish.source.split(':')
  const [member, option] = SOURCES[kind as keyof typeof SOURCES] ?? []
  return (
    <Confirm
      title="New volume"
      verb="Make it"
      command={[
        commandLine(
          'volume',
          'create',
          ['--size', wish.size],
          ['--type', wish.type],
          ['--availability-zone', wish.zone],
          [option ?? '', (option && known.find(({ key }) => key === wish.source)?.name) ?? null],
          wish.name || 'NAME',
        ),
      ]}
      work={async () => {
        const volume = {
          name: wish.name,
          size: Number(wish.size),
          ...(wish.type ? { volume_type: wish.type } : {}),
          ...(wish.zone ? { availability_zone: wish.zone } : {}),
          ...(member ? { [member]: id } : {}),
        }
        await ask('volume', '/volumes', { method: 'POST', body: { volume } })
        notify(`${wish.name} is being made.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={255} focus />
      <div class="pair">
        <TextField label="Size in GiB" type="number" min="1" value={wish.size} onInput={set('size')} required />
        <SelectField
          label="Type"
          value={wish.type}
          onChange={set('type')}
          options={[
            { value: '', label: 'the default' },
            ...(types.value?.volume_types ?? []).map(({ name }) => ({ value: name, label: name })),
          ]}
        />
      </div>
      <SelectField
        label="Zone"
        hint="It has to be on the cloud of the server that it is for."
        value={wish.zone}
        onChange={set('zone')}
        options={[
          { value: '', label: 'the broker chooses' },
          ...(zones.value?.availabilityZoneInfo ?? []).map(({ zoneName }) => ({ value: zoneName, label: zoneName })),
        ]}
      />
      <SelectField
        label="Begins as"
        value={wish.source}
        onChange={set('source')}
        options={[
          { value: '', label: 'an empty disk' },
          ...known.map(({ key, name }) => ({ value: key, label: `the ${key.split(':')[0]} ${name}` })),
        ]}
      />
    </Confirm>
  )
}
