import { commandLine } from '../../api/command.ts'
import { usePages } from '../../api/use-pages.ts'
import { useUntil } from '../../api/use-until.ts'
import { Empty } from '../../parts/empty.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { CreateVolume } from './create-volume.tsx'
import { isUnderWay, type Snapshot, snapshotsIn } from './shapes.ts'

/** Volumes as they were. */
export const Snapshots = () => {
  const pages = usePages<Snapshot>({ service: 'volume', path: '/snapshots/detail', rowsIn: snapshotsIn })
  useUntil(isUnderWay(pages.rows), pages.again)
  const { shown, open } = useWindow()
  const columns: Column<Snapshot>[] = [
    { key: 'name', title: 'Name', cell: nameOf },
    { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
    { key: 'size', title: 'Size', number: true, cell: ({ size }) => `${size} GiB` },
    { key: 'of', title: 'Of the volume', cell: ({ volume_id: id }) => <code>{id}</code> },
    { key: 'made', title: 'Taken', cell: ({ created_at: at }) => <Time at={at} /> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (row) => (
        <>
          {row.status === 'available' && (
            <RowButton
              verb="Make a volume of it"
              name={nameOf(row)}
              onClick={() =>
                open((close) => <CreateVolume source={`snapshot:${row.id}`} onClose={close} onDone={pages.again} />)
              }
            />
          )}
          <RowButton
            verb="Delete"
            name={nameOf(row)}
            onClick={() =>
              open((close) => (
                <Removal
                  service="volume"
                  path={`/snapshots/${row.id}`}
                  name={nameOf(row)}
                  command={commandLine('volume', 'snapshot', 'delete', row.id)}
                  onClose={close}
                  onDone={pages.again}
                />
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
        caption="Snapshots of volumes"
        columns={columns}
        nameOf={nameOf}
        command={commandLine('volume', 'snapshot', 'list', '--long')}
        empty={
          <Empty title="No snapshot yet" command={['openstack volume snapshot create --volume data1 before-upgrade']}>
            <p>
              A snapshot is a volume as it was, on the same cloud: quick to take, and to make a new volume of. It goes
              with its cloud; a backup does not.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}
