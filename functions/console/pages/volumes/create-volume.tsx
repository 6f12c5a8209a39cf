import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { type Choices, useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import type { Snapshot, Volume } from './shapes.ts'

/** Of what a volume is made: the member of the body, and the option of the command line. */
const SOURCES = {
  snapshot: ['snapshot_id', '--snapshot'],
  volume: ['source_volid', '--source'],
  image: ['imageRef', '--image'],
} as const

/** What a volume may begin as, each by what it is: `image:ID`. */
const useSources = (): Choices<{ id: string; name: string }> => {
  const lists = [
    ['snapshot', useChoices<Snapshot>('volume', '/snapshots/detail?status=available', 'snapshots')],
    ['volume', useChoices<Volume>('volume', '/volumes/detail', 'volumes')],
    ['image', useChoices<Snapshot>('image', '/images?status=active&sort=name:asc', 'images')],
  ] as const
  return {
    rows: lists.flatMap(([kind, { rows }]) =>
      rows.map((each) => ({ id: `${kind}:${each.id}`, name: `the ${kind} ${nameOf(each)}` })),
    ),
    fault: lists.find(([, { fault }]) => fault)?.[1].fault ?? null,
    asking: lists.some(([, { asking }]) => asking),
    cut: lists.some(([, { cut }]) => cut),
    word: lists[0][1].word ?? '',
    seek: (word) => {
      for (const [, { seek }] of lists) seek?.(word)
    },
    again: () => {
      for (const [, { again }] of lists) again()
    },
  }
}

/** A volume, empty or made of something that is there. `source`: `snapshot:ID`, `volume:ID`, `image:ID`, or nothing. */
export const CreateVolume = ({ onClose, onDone, source: first = '' }: WindowProps & { source?: string }) => {
  const [wish, setWish] = useState({ name: '', size: '10', type: '', zone: '', source: first })
  const types = useChoices<{ name: string }>('volume', '/types', 'volume_types')
  const zones = useChoices<{ zoneName: string }>('compute', '/os-availability-zone', 'availabilityZoneInfo', true)
  const sources = useSources()
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
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
          [option ?? '', option ? id : null],
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
        <ChoiceField
          label="Type"
          choices={types}
          first="the default"
          value={wish.type}
          onChange={set('type')}
          keyOf={({ name }) => name}
          wordsOf={({ name }) => name}
        />
      </div>
      <ChoiceField
        label="Zone"
        hint="It has to be on the cloud of the server that it is for."
        choices={zones}
        first="the broker chooses"
        value={wish.zone}
        onChange={set('zone')}
        keyOf={({ zoneName }) => zoneName}
        wordsOf={({ zoneName }) => zoneName}
      />
      <ChoiceField
        label="Begins as"
        choices={sources}
        first="an empty disk"
        value={wish.source}
        onChange={set('source')}
      />
    </Confirm>
  )
}
