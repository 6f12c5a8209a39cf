import type { ComponentChildren } from 'preact'
import { commandLine } from '../../api/command.ts'
import { usePages } from '../../api/use-pages.ts'
import { useUntil } from '../../api/use-until.ts'
import { Listing } from '../../parts/listing.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { isUnderWay, type Snapshot } from './shapes.ts'

/** Lists what is kept of volumes, snapshots or backups: what can be made of each, and how it goes. */
export const Kept = <Row extends Snapshot>({
  kind,
  rowsIn,
  caption,
  holds,
  why,
  verb,
  Window,
  note,
  empty,
}: {
  kind: 'snapshot' | 'backup'
  rowsIn: (body: unknown) => Row[]
  caption: string
  /** A column of their own. */
  holds?: Column<Row>
  /** Why one is as it is. */
  why?: (row: Row) => string | null
  /** What is made of one that is there, and by which window. */
  verb: string
  Window: (props: WindowProps & { row: Row }) => ComponentChildren
  /** What is said before one goes. */
  note?: (row: Row) => string | false
  empty: ComponentChildren
}) => {
  const pages = usePages<Row>({ service: 'volume', path: `/${kind}s/detail`, rowsIn })
  useUntil(isUnderWay(pages.rows), pages.again)
  const { shown, open } = useWindow()
  const columns: Column<Row>[] = [
    { key: 'name', title: 'Name', cell: nameOf },
    {
      key: 'status',
      title: 'Status',
      cell: (row) => (
        <span title={why?.(row) ?? undefined}>
          <Status status={row.status} />
        </span>
      ),
    },
    { key: 'size', title: 'Size', number: true, cell: ({ size }) => `${size} GiB` },
    ...(holds ? [holds] : []),
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
              verb={verb}
              name={nameOf(row)}
              onClick={() => open((close) => <Window row={row} onClose={close} onDone={pages.again} />)}
            />
          )}
          <RowButton
            verb="Delete"
            name={nameOf(row)}
            onClick={() =>
              open((close) => (
                <Removal
                  service="volume"
                  path={`/${kind}s/${row.id}`}
                  name={nameOf(row)}
                  command={commandLine('volume', kind, 'delete', row.id)}
                  onClose={close}
                  onDone={pages.again}
                >
                  {note?.(row) && <p>{note(row)}</p>}
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
        caption={caption}
        columns={columns}
        nameOf={nameOf}
        command={commandLine('volume', kind, 'list', '--long')}
        empty={empty}
      />
      {shown}
    </>
  )
}
