import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useUntil } from '../../api/use-until.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { nameOf, percentWords } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { byteWords, type Image } from './shapes.ts'

interface Copy {
  cloud: string
  project_id: string | null
  state: string
  native_id: string | null
  named: boolean
  format: string | null
  converted: boolean
  share: number | null
  reason: string | null
  at: string | null
}

/** An image, and what each cloud has of it. */
const ImagePage = ({ params }: PageProps) => {
  const { session } = useStore(door)
  const id = encodeURIComponent(params.id ?? '')
  const image = useAnswer<Image>('image', `/images/${id}`)
  const copies = useAnswer<{ copies: Copy[] }>('broker', `/images/${id}/copies`)
  useUntil(copies.value?.copies.some(({ state }) => state === 'copying') ?? false, copies.again)
  useUntil(['saving', 'importing', 'uploading'].includes(image.value?.status ?? ''), image.again)
  const { shown, open } = useWindow()
  const columns: Column<Copy>[] = [
    { key: 'cloud', title: 'Cloud', cell: ({ cloud }) => cloud },
    {
      key: 'state',
      title: 'There',
      cell: ({ state, share }) => (
        <Status status={state} task={state === 'copying' && share !== null ? percentWords(share) : null} />
      ),
    },
    {
      key: 'native',
      title: 'Its object there',
      cell: ({ native_id: native, named }) =>
        native ? (
          <>
            <code>{native}</code>
            {named && <span class="quiet small"> named by an operator</span>}
          </>
        ) : (
          <span class="quiet">–</span>
        ),
    },
    {
      key: 'format',
      title: 'Handed over as',
      cell: ({ format, converted }) => (format ? `${format}${converted ? ', converted' : ''}` : '–'),
    },
    { key: 'reason', title: 'Why not', cell: ({ reason }) => <span title={reason ?? undefined}>{reason}</span> },
    { key: 'at', title: 'Since', cell: ({ at }) => <Time at={at} /> },
  ]
  if (has(session, 'admin'))
    columns.push({
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ cloud, named }) =>
        named ? (
          <RowButton
            verb="Take back"
            name={cloud}
            onClick={() =>
              open((close) => (
                <Removal
                  service="broker"
                  path={`/images/${id}/copies/${encodeURIComponent(cloud)}`}
                  name={`what it is on ${cloud}`}
                  verb="Take back"
                  command={`DELETE /broker/v1/images/${id}/copies/${cloud}`}
                  onClose={close}
                  onDone={copies.again}
                >
                  <p>The object stays on the cloud; it is not this image any more.</p>
                </Removal>
              ))
            }
          />
        ) : (
          <RowButton
            verb="Name its object"
            name={`on ${cloud}`}
            onClick={() => open((close) => <NameCopy id={id} cloud={cloud} onClose={close} onDone={copies.again} />)}
          />
        ),
    })
  return (
    <>
      <Heading title={image.value ? nameOf(image.value) : 'Image'}>
        {image.value?.status === 'active' && (
          <a class="button primary" href={linkTo('/servers/new', {}, { image: image.value.id })}>
            Start a server
          </a>
        )}
        <a class="button" href={linkTo('/images')}>
          All images
        </a>
      </Heading>
      <Waiting answer={image}>
        {(value) => (
          <div class="stack">
            <Card title="What it is">
              <Facts
                facts={[
                  ['Status', <Status key="status" status={value.status} />],
                  ['Id', <code key="id">{value.id}</code>],
                  ['Seen by', value.visibility],
                  ['Format', value.disk_format ?? undefined],
                  ['Size', byteWords(value.size)],
                  ['Least disk', `${value.min_disk} GiB`],
                  ['Least memory', `${value.min_ram} MiB`],
                  ['For', value.architecture],
                  ['Description', value.description],
                  ['Checksum', value.checksum ? <code key="sum">{value.checksum}</code> : undefined],
                  ['Made', <Time key="made" at={value.created_at} />],
                ]}
              />
            </Card>
            <Card title="On the clouds">
              <Waiting answer={copies}>
                {({ copies: rows }) => (
                  <Table
                    caption="Copies of the image"
                    columns={columns}
                    rows={rows}
                    idOf={({ cloud, project_id: project }) => `${cloud} ${project ?? ''}`}
                    nameOf={({ cloud }) => cloud}
                  />
                )}
              </Waiting>
              <p class="quiet small under measure">
                A cloud gets its copy when the first server there begins with the image.
              </p>
            </Card>
            <Command lines={[`openstack image show ${value.id}`, `openstack image save --file FILE ${value.id}`]} />
          </div>
        )}
      </Waiting>
      {shown}
    </>
  )
}

export default ImagePage

const NameCopy = ({
  id,
  cloud,
  onClose,
  onDone,
}: {
  id: string
  cloud: string
  onClose: () => void
  onDone: () => void
}) => {
  const [native, setNative] = useState('')
  return (
    <Confirm
      title={`What the image is on ${cloud}`}
      verb="Name it"
      command={[`PUT /broker/v1/images/${id}/copies/${cloud}  {"native_id": "${native || '…'}"}`]}
      work={async () => {
        const body = { native_id: native }
        await ask('broker', `/images/${id}/copies/${encodeURIComponent(cloud)}`, { method: 'PUT', body })
        notify(`${native} is the image on ${cloud}.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField
        label="Native id"
        hint="An AMI, a template: what the cloud itself calls it. It is never changed or removed."
        value={native}
        onInput={setNative}
        required
        maxLength={255}
        focus
      />
    </Confirm>
  )
}
