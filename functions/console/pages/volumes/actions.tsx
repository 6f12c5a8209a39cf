import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { CheckList, SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { nameOf, type Volume, type WindowProps } from './shapes.ts'

type Of = WindowProps & { volume: Volume }

/** Plugs a volume into a server of its cloud. */
export const Attach = ({ volume, onClose, onDone }: Of) => {
  const servers = useAnswer<{ servers: { id: string; name: string }[] }>('compute', '/servers?limit=1000')
  const [server, setServer] = useState('')
  const known = servers.value?.servers ?? []
  return (
    <Confirm
      title={`Attach ${nameOf(volume)}`}
      verb="Attach"
      command={[
        commandLine('server', 'add', 'volume', known.find(({ id }) => id === server)?.name ?? 'SERVER', nameOf(volume)),
      ]}
      work={async () => {
        const body = { volumeAttachment: { volumeId: volume.id } }
        await ask('compute', `/servers/${server}/os-volume_attachments`, { method: 'POST', body })
        notify(`${nameOf(volume)} is plugged in.`)
        onDone()
      }}
      onClose={onClose}
    >
      <SelectField
        label="Server"
        hint={volume.availability_zone ? `The volume is in ${volume.availability_zone}.` : undefined}
        value={server}
        onChange={setServer}
        required
        options={[{ value: '', label: 'Into which…' }, ...known.map(({ id, name }) => ({ value: id, label: name }))]}
      />
    </Confirm>
  )
}

/** Takes a volume out of its server. */
export const Detach = ({ volume, onClose, onDone }: Of) => {
  const server = volume.attachments[0]?.server_id ?? ''
  return (
    <Confirm
      title={`Detach ${nameOf(volume)}`}
      verb="Detach"
      danger
      command={[commandLine('server', 'remove', 'volume', server, nameOf(volume))]}
      work={async () => {
        await ask('compute', `/servers/${server}/os-volume_attachments/${volume.id}`, { method: 'DELETE' })
        notify(`${nameOf(volume)} is being taken out.`)
        onDone()
      }}
      onClose={onClose}
    >
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
      command={[commandLine('volume', 'set', ['--size', size || 'SIZE'], nameOf(volume))]}
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
          ['--volume', nameOf(volume)],
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
          nameOf(volume),
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
