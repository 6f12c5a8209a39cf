import type { ComponentChildren } from 'preact'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { usePages } from '../../api/use-pages.ts'
import { useUntil } from '../../api/use-until.ts'
import { Empty } from '../../parts/empty.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { ForMembers, RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { Attach, Detach, Extend, TakeBackup, TakeSnapshot } from './actions.tsx'
import { CreateVolume } from './create-volume.tsx'
import { isUnderWay, type Volume, volumesIn } from './shapes.ts'

/** Which window each button opens, and for which volumes. */
const DEEDS: [verb: string, Window: (props: WindowProps & { volume: Volume }) => ComponentChildren, when: string[]][] =
  [
    ['Attach', Attach, ['available']],
    ['Detach', Detach, ['in-use']],
    ['Extend', Extend, ['available', 'in-use']],
    ['Snapshot', TakeSnapshot, ['available', 'in-use']],
    ['Back up', TakeBackup, ['available', 'in-use']],
  ]

/** The volumes of the project, and what can be done with them. */
export const VolumeList = () => {
  const pages = usePages<Volume>({
    service: 'volume',
    path: '/volumes/detail?sort=created_at:desc',
    rowsIn: volumesIn,
  })
  useUntil(isUnderWay(pages.rows), pages.again)
  const servers = useAnswer<{ servers: { id: string; name: string }[] }>('compute', '/servers?limit=1000')
  const { shown, open } = useWindow()
  const serverOf = (id: string) => servers.value?.servers.find((each) => each.id === id)?.name ?? id.slice(0, 8)
  const columns: Column<Volume>[] = [
    { key: 'name', title: 'Name', cell: nameOf },
    { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
    { key: 'size', title: 'Size', number: true, cell: ({ size }) => `${size} GiB` },
    { key: 'type', title: 'Type', cell: ({ volume_type: type }) => type ?? '–' },
    { key: 'zone', title: 'Zone', cell: ({ availability_zone: zone }) => zone ?? '–' },
    {
      key: 'in',
      title: 'In',
      cell: ({ attachments }) =>
        attachments.length ? (
          attachments.map(({ server_id: id, device }) => (
            <a key={id} href={linkTo('/servers/:id', { id })} title={device}>
              {serverOf(id)}
            </a>
          ))
        ) : (
          <span class="quiet">–</span>
        ),
    },
    { key: 'made', title: 'Made', cell: ({ created_at: at }) => <Time at={at} /> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (volume) => (
        <>
          {DEEDS.filter(([, , when]) => when.includes(volume.status)).map(([verb, Window]) => (
            <RowButton
              key={verb}
              verb={verb}
              name={nameOf(volume)}
              onClick={() => open((close) => <Window volume={volume} onClose={close} onDone={pages.again} />)}
            />
          ))}
          {['available', 'error', 'error_deleting', 'error_restoring', 'error_extending'].includes(volume.status) && (
            <RowButton
              verb="Delete"
              name={nameOf(volume)}
              onClick={() =>
                open((close) => (
                  <Removal
                    service="volume"
                    path={`/volumes/${volume.id}`}
                    name={nameOf(volume)}
                    command={commandLine('volume', 'delete', volume.id)}
                    onClose={close}
                    onDone={pages.again}
                  >
                    <p>What is on it is lost, but for its backups. A volume with snapshots stays.</p>
                  </Removal>
                ))
              }
            />
          )}
        </>
      ),
    },
  ]
  return (
    <>
      <Listing
        pages={pages}
        caption="Volumes of the project, over all clouds"
        columns={columns}
        nameOf={nameOf}
        command={commandLine('volume', 'list', '--long')}
        bar={
          <div class="row filter">
            <ForMembers>
              <button
                type="button"
                class="primary"
                onClick={() => open((close) => <CreateVolume onClose={close} onDone={pages.again} />)}
              >
                New volume
              </button>
            </ForMembers>
          </div>
        }
        empty={
          <Empty
            title="No volume yet"
            command={['openstack volume create --size 10 data1', 'openstack server add volume vm1 data1']}
          >
            <p>
              A volume is a disk of its own: it stays when its server goes, and can be plugged into another one on the
              same cloud. Snapshots and backups are made of it.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}
