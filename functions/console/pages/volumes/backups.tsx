import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { Kept } from './kept.tsx'
import { type Backup, backupsIn } from './shapes.ts'

/** Copies of volumes, apart from them. */
export const Backups = () => (
  <Kept
    kind="backup"
    rowsIn={backupsIn}
    caption="Backups of volumes"
    holds={{ key: 'kind', title: 'Holds', cell: ({ is_incremental: part }) => (part ? 'what changed' : 'all') }}
    why={({ fail_reason: why }) => why}
    verb="Restore"
    Window={Restore}
    note={({ has_dependent_backups: needed }) => needed && 'Later backups need it: it stays as long as they are there.'}
    empty={
      <Empty title="No backup yet" command={['openstack volume backup create --name monday data1']}>
        <p>
          A backup is a copy that does not need its volume any more. Restored, it is a new volume. “Back up” beside a
          volume makes one.
        </p>
      </Empty>
    }
  />
)

const Restore = ({ row: backup, onClose, onDone }: WindowProps & { row: Backup }) => {
  const [name, setName] = useState(`${nameOf(backup)}-restored`)
  return (
    <Confirm
      title={`Restore ${nameOf(backup)}`}
      verb="Restore"
      command={[commandLine('volume', 'backup', 'restore', backup.id, name || 'NAME')]}
      work={async () => {
        await ask('volume', `/backups/${backup.id}/restore`, { method: 'POST', body: { restore: { name } } })
        notify(`${name} is being restored.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name of the new volume" value={name} onInput={setName} required maxLength={255} focus />
    </Confirm>
  )
}
