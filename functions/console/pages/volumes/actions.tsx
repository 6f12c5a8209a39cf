import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { CheckList, SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import type { Volume } from './shapes.ts'

type Of = WindowProps & { volume: Volume }

/** Plugs a volume into a server of its cloud. */
export const Attach = ({ volume, onClose, onDone }: Of) => {
  const servers = useChoices<{ id: string; name: string }>(
    'compute',
    '/servers?sort_key=display_name&sort_dir=asc',
    'servers',
  )
  const [server, setServer] = useState('')
  return (
    <Confirm
      title={`Attach ${nameOf(volume)}`}
      verb="Attach"
      command={[commandLine('server', 'add', 'volume', server || 'SERVER', volume.id)]}
      work={async () => {
        const body = { volumeAttachment: { volumeId: volume.id } }
        await ask('compute', `/servers/${server}/os-volume_attachments`, { method: 'POST', body })
        notify(`${nameOf(volume)} is plugged in.`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Server"
        hint={volume.availability_zone ? `The volume is in ${volume.availability_zone}.` : undefined}
        choices={servers}
        none="The project has no server."
        first="Into which…"
        value={server}
        onChange={setServer}
        required
      />
    </Confirm>
  )
}

/** Takes a volume out of its server. */
export const Detach = ({ volume, onClose, onDone }: Of) => {
  const [server, setServer] = useState(volume.attachments[0]?.server_id ?? '')
  return (
    <Confirm
      title={`Detach ${nameOf(volume)}`}
      verb="Detach"
      danger
      command={[commandLine('server', 'remove', 'volume', server, volume.id)]}
      work={async () => {
        await ask('compute', `/servers/${server}/os-volume_attachments/${volume.id}`, { method: 'DELETE' })
        notify(`${nameOf(volume)} is being taken out.`)
        onDone()
      }}
      onClose={onClose}
    >
      {volume.attachments.length > 1 && (
        <SelectField
          label="Out of the server"
          value={server}
          onChange={setServer}
          options={volume.attachments.map(({ server_id: id }) => ({ value: id, label: id }))}
        />
      )}
      <p>Unmount it in the guest first: what was not written yet is lost.</p>
    </Confirm>
  )
}

/** Makes a volume larger. */
export const Extend = ({ volume, onClose, onDone }: Of) => {
  const [size, setSize] = useState(String(volume.size + 1))
  return (
    <Confirm
      title={`Extend ${nameOf(volume)}`}
      verb="Extend"
      command={[commandLine('volume', 'set', ['--size', size || 'SIZE'], volume.id)]}
      work={async () => {
        const body = { 'os-extend': { new_size: Number(size) } }
        await ask('volume', `/volumes/${volume.id}/action`, { method: 'POST', body })
        notify(`${nameOf(volume)} grows to ${size} GiB.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField
        label="Size in GiB"
        hint={`It has ${volume.size} GiB now, and never has less again.`}
        type="number"
        min={String(volume.size + 1)}
        value={size}
        onInput={setSize}
        required
        focus
      />
    </Confirm>
  )
}

/** Keeps a volume as it is now, on its cloud. */
export const TakeSnapshot = ({ volume, onClose, onDone }: Of) => {
  const [name, setName] = useState(`${nameOf(volume)}-snapshot`)
  const force = volume.status === 'in-use'
  return (
    <Confirm
      title={`Snapshot of ${nameOf(volume)}`}
      verb="Take it"
      command={[
        commandLine(
          'volume',
          'snapshot',
          'create',
          ['--volume', volume.id],
          ['--force', force || null],
          name || 'NAME',
        ),
      ]}
      work={async () => {
        const snapshot = { volume_id: volume.id, name, ...(force ? { force } : {}) }
        await ask('volume', '/snapshots', { method: 'POST', body: { snapshot } })
        notify(`${name} is being taken.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      {force && <p class="hint">It is in use: the snapshot is as if its server had lost its power.</p>}
    </Confirm>
  )
}

/** Keeps a copy of a volume apart from it. */
export const TakeBackup = ({ volume, onClose, onDone }: Of) => {
  const [name, setName] = useState(`${nameOf(volume)}-backup`)
  const [more, setMore] = useState<string[]>([])
  const force = volume.status === 'in-use'
  const incremental = more.includes('incremental')
  return (
    <Confirm
      title={`Backup of ${nameOf(volume)}`}
      verb="Back it up"
      command={[
        commandLine(
          'volume',
          'backup',
          'create',
          ['--name', name],
          ['--incremental', incremental || null],
          ['--force', force || null],
          volume.id,
        ),
      ]}
      work={async () => {
        const backup = {
          volume_id: volume.id,
          name,
          ...(incremental ? { incremental } : {}),
          ...(force ? { force } : {}),
        }
        await ask('volume', '/backups', { method: 'POST', body: { backup } })
        notify(`${name} is being made.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <CheckList
        legend="What is kept"
        options={[{ value: 'incremental', label: 'only what changed since the last backup' }]}
        chosen={more}
        onChange={setMore}
      />
    </Confirm>
  )
}
