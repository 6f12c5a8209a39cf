import { commandLine } from '../../api/command.ts'
import { usePages } from '../../api/use-pages.ts'
import { useUntil } from '../../api/use-until.ts'
import type { PageProps } from '../../page.ts'
import { Empty } from '../../parts/empty.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { ForMembers, RowButton, useWindow } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { goTo, linkTo } from '../../router.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { byteWords, type Image, imagesIn } from './shapes.ts'
import { Upload } from './upload.tsx'

const VISIBLE = ['public', 'private', 'shared', 'community']

/** What servers begin with. */
const Images = ({ query }: PageProps) => {
  const { session } = useStore(door)
  // What the address says is a word of these or none.
  const visibility = VISIBLE.find((each) => each === query.get('visibility')) ?? ''
  const pages = usePages<Image>({
    service: 'image',
    path: `/images?sort=name:asc${visibility && `&visibility=${visibility}`}`,
    rowsIn: imagesIn,
  })
  useUntil(
    pages.rows.some(({ status }) => ['saving', 'importing', 'uploading'].includes(status)),
    pages.again,
  )
  const { shown, open } = useWindow()
  const columns: Column<Image>[] = [
    { key: 'name', title: 'Name', cell: (row) => <a href={linkTo('/images/:id', { id: row.id })}>{nameOf(row)}</a> },
    { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} /> },
    { key: 'visibility', title: 'Seen by', cell: ({ visibility: seen }) => seen },
    { key: 'format', title: 'Format', cell: ({ disk_format: format }) => format ?? '–' },
    { key: 'size', title: 'Size', number: true, cell: ({ size }) => byteWords(size) },
    { key: 'clouds', title: 'Ready on', cell: (row) => row['plimsoll:clouds'] || <span class="quiet">none yet</span> },
    { key: 'made', title: 'Made', cell: ({ created_at: at }) => <Time at={at} /> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (row) => (
        <>
          {row.status === 'active' && (
            <a class="button plain small" href={linkTo('/servers/new', {}, { image: row.id })}>
              Start a server<span class="unseen"> of {nameOf(row)}</span>
            </a>
          )}
          {(row.owner === session?.project?.id || (has(session, 'admin') && row.owner)) && (
            <RowButton
              verb="Delete"
              name={nameOf(row)}
              disabled={row.protected}
              onClick={() =>
                open((close) => (
                  <Removal
                    service="image"
                    path={`/images/${row.id}`}
                    name={nameOf(row)}
                    command={commandLine('image', 'delete', row.id)}
                    onClose={close}
                    onDone={pages.again}
                  >
                    <p>Its copies on the clouds go with it.</p>
                  </Removal>
                ))
              }
            />
          )}
        </>
      ),
    },
  ]
  const uploads = (
    <ForMembers>
      <button
        type="button"
        class="primary"
        onClick={() => open((close) => <Upload onClose={close} onDone={pages.again} />)}
      >
        Upload an image
      </button>
    </ForMembers>
  )
  return (
    <>
      <Heading title="Images">{uploads}</Heading>
      <Listing
        pages={pages}
        caption="Images that the project may use"
        columns={columns}
        nameOf={nameOf}
        command={commandLine('image', 'list', '--long', [`--${visibility}`, visibility ? true : null])}
        bar={
          <search class="filter">
            <select
              aria-label="Seen by"
              value={visibility}
              onChange={(event) => goTo(linkTo('/images', {}, { visibility: event.currentTarget.value }), true)}
            >
              <option value="">all images</option>
              {VISIBLE.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </search>
        }
        empty={
          visibility ? (
            <p class="quiet">No image is so.</p>
          ) : (
            <Empty
              title="No image yet"
              command={['openstack image create --disk-format qcow2 --file debian.qcow2 debian']}
            >
              <p>
                An image is what a server begins with. What is uploaded once is copied to each cloud when a server there
                begins with it; what a cloud has by itself is here as well.
              </p>
            </Empty>
          )
        }
      />
      {shown}
    </>
  )
}

export default Images
