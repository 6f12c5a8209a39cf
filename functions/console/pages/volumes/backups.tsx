import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { usePages } from '../../api/use-pages.ts'
import { useUntil } from '../../api/use-until.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/form.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { type Backup, backupsIn, isUnderWay } from './shapes.ts'

/** Copies of volumes, apart from them. */
export const Backups = () => {
  const pages = usePages<Backup>({ service: 'volume', path: '/backups/detail', rowsIn: backupsIn })
  useUntil(isUnderWay(pages.rows), pages.again)
  const { shown, open } = useWindow()
  const columns: Column<Backup>[] = [
    { key: 'name', title: 'Name', cell: nameOf },
    {
      key: 'status',
      title: 'Status',
      cell: ({ status, fail_reason: why }) => (
        <span title={why ?? undefined}>
          <Status status={status} />
        </span>
      ),
    },
    { key: 'size', title: 'Size', number: true, cell: ({ size }) => `${size} GiB` },
    { key: 'kind', title: 'Holds', cell: ({ is_incremental: part }) => (part ? 'what changed' : 'all') },
    { key: 'of', title: 'Of the volume', cell: ({ volume_id: id }) => <code>{id}</code> },
    { key: 'made', title: 'Made', cell: ({ created_at: at }) => <Time at={at} /> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (row) => (
        <>
          {row.status === 'available' && (
            <RowButton
              verb="Restore"
              name={nameOf(row)}
              onClick={() => open((close) => <Restore backup={row} onClose={close} onDone={pages.again} />)}
            />
          )}
          <RowButton
            verb="Delete"
            name={nameOf(row)}
            onClick={() =>
              open((close) => (
                <Removal
                  service="volume"
                  path={`/backups/${row.id}`}
                  name={nameOf(row)}
                  command={commandLine('volume', 'backup', 'delete', row.id)}
                  onClose={close}
                  onDone={pages.again}
                >
                  {row.has_dependent_backups && <p>Later backups need it: it stays as long as they are there.</p>}
                </Removal>
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
        caption="Backups of volumes"
        columns={columns}
        nameOf={nameOf}
        command={commandLine('volume', 'backup', 'list', '--long')}
        empty={
          <Empty title="No backup yet" command={['openstack volume backup create --name monday data1']}>
            <p>
              A backup is a copy that does not need its volume any more. Restored, it is a new volume. “Back up” beside
              a volume makes one.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}

const Restore = ({ backup, onClose, onDone }: WindowProps & { backup: Backup }) => {
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
