import { Empty } from '../../parts/empty.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import { CreateVolume } from './create-volume.tsx'
import { Kept } from './kept.tsx'
import { type Snapshot, snapshotsIn } from './shapes.ts'

const OfSnapshot = ({ row, ...window }: WindowProps & { row: Snapshot }) => (
  <CreateVolume {...window} source={`snapshot:${row.id}`} />
)

/** Volumes as they were. */
export const Snapshots = () => (
  <Kept
    kind="snapshot"
    rowsIn={snapshotsIn}
    caption="Snapshots of volumes"
    verb="Make a volume of it"
    Window={OfSnapshot}
    empty={
      <Empty title="No snapshot yet" command={['openstack volume snapshot create --volume data1 before-upgrade']}>
        <p>
          A snapshot is a volume as it was, on the same cloud: quick to take, and to make a new volume of. It goes with
          its cloud; a backup does not.
        </p>
      </Empty>
    }
  />
)
