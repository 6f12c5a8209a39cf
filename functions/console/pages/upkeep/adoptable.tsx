import { useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { CheckList } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { useWindow } from '../../parts/window.tsx'
import type { Cloud } from '../clouds/shapes.ts'

interface Thing {
  kind: string
  native_id: string
  name: string
  zone: string | null
  health: string
  size?: string
  image?: string
  address?: string
}
interface Page {
  adoptable: Thing[]
  next: string | null
  complete: boolean
}
interface Adopted {
  adopted: { native_id: string; remarks: string[] }[]
  refused: { native_id: string; reason: string }[]
  remaining: string[]
}

const COLUMNS: Column<Thing>[] = [
  { key: 'name', title: 'Name', cell: ({ name }) => name },
  { key: 'kind', title: 'Is', cell: ({ kind, size }) => `${kind.replaceAll('_', ' ')}${size ? `, ${size}` : ''}` },
  { key: 'native', title: 'There', cell: ({ native_id: id }) => <code>{id}</code> },
  { key: 'zone', title: 'Zone', cell: ({ zone }) => zone ?? '–' },
  {
    key: 'health',
    title: 'Health',
    cell: ({ health }) => <Status status={health} tone={health === 'ok' ? 'good' : 'busy'} />,
  },
  { key: 'address', title: 'Address', cell: ({ address }) => address ?? '' },
]

/** What is on a cloud and managed by nobody here, a page of the cloud at a time. */
export const Adoptable = () => {
  const clouds = useChoices<Cloud>('broker', '/clouds', 'clouds', true)
  const [cloud, setCloud] = useState('')
  const [marker, setMarker] = useState<string | null>(null)
  const [chosen, setChosen] = useState(new Set<string>())
  const path = cloud
    ? `/adoptable?cloud=${encodeURIComponent(cloud)}${marker ? `&marker=${encodeURIComponent(marker)}` : ''}`
    : null
  const answer = useAnswer<Page>('broker', path)
  const { shown, open } = useWindow()
  return (
    <div class="stack">
      <div class="pick">
        <ChoiceField
          label="Cloud"
          hint="It is looked through now, a page at a time."
          choices={clouds}
          none="No cloud is registered."
          first="Which…"
          value={cloud}
          onChange={(value) => {
            setCloud(value)
            setMarker(null)
            setChosen(new Set())
          }}
          keyOf={({ name }) => name}
          wordsOf={({ name }) => name}
        />
      </div>
      {path ? (
        <Waiting answer={answer}>
          {({ adoptable, next }) => (
            <>
              {adoptable.length ? (
                <>
                  <fieldset class="row bulk" disabled={chosen.size === 0}>
                    <legend class="unseen">What is done to the chosen</legend>
                    <button
                      type="button"
                      onClick={() =>
                        open((close) => (
                          <Adopt
                            cloud={cloud}
                            ids={[...chosen]}
                            onClose={close}
                            onDone={(said) => {
                              setChosen(new Set())
                              answer.again()
                              if (said.refused.length || said.adopted.some(({ remarks }) => remarks.length))
                                open((done) => <Said said={said} onClose={done} />)
                              else close()
                            }}
                          />
                        ))
                      }
                    >
                      Adopt
                    </button>
                    <span class="quiet small" role="status">
                      {chosen.size ? `${chosen.size} chosen` : `${adoptable.length} on this page`}
                    </span>
                  </fieldset>
                  <Table
                    caption="What may be adopted"
                    columns={COLUMNS}
                    rows={adoptable}
                    idOf={({ native_id: id }) => id}
                    nameOf={({ name }) => name}
                    selection={{ chosen, onChange: setChosen }}
                  />
                </>
              ) : (
                <p class="quiet">Nothing on this page of the cloud is unmanaged.</p>
              )}
              {next && (
                <div class="row">
                  <button type="button" onClick={() => setMarker(next)}>
                    The next page
                  </button>
                </div>
              )}
            </>
          )}
        </Waiting>
      ) : (
        <p class="quiet measure">
          Machines, networks and disks that were on a cloud before the broker become resources of a project, in place:
          nothing is changed there but the tag that says whose they are.
        </p>
      )}
      <Command line={`GET /broker/v1${path ?? '/adoptable?cloud=CLOUD'}`} />
      {shown}
    </div>
  )
}

const Adopt = ({
  cloud,
  ids,
  onClose,
  onDone,
}: {
  cloud: string
  ids: string[]
  onClose: () => void
  onDone: (said: Adopted) => void
}) => {
  const projects = useChoices<{ id: string; name: string }>('identity', '/projects', 'projects', true)
  const said = useRef<Adopted | null>(null)
  const [project, setProject] = useState('')
  const [tag, setTag] = useState(true)
  const body = { cloud, project_id: project, tag, native_ids: ids }
  return (
    <Confirm
      title={`Adopt ${ids.length} of ${cloud}`}
      verb="Adopt"
      command={[`POST /broker/v1/adopt  ${JSON.stringify(body)}`]}
      work={async () => {
        said.current = await ask<Adopted>('broker', '/adopt', { method: 'POST', body })
        const { adopted, refused, remaining } = said.current
        notify(
          `${adopted.length} adopted${remaining.length ? `, ${remaining.length} are left for the next time` : ''}${refused.length ? `; ${refused.length} refused` : ''}.`,
        )
      }}
      onClose={() => (said.current ? onDone(said.current) : onClose())}
    >
      <ChoiceField label="Project" choices={projects} first="Whose…" value={project} onChange={setProject} required />
      <CheckList
        legend="On the cloud"
        hint="Without the tag they are only looked at."
        options={[{ value: 'tag', label: 'set the tag that says whose they are' }]}
        chosen={tag ? ['tag'] : []}
        onChange={(chosen) => setTag(chosen.length > 0)}
      />
    </Confirm>
  )
}

/** What became of each of which there is something to say: it stays until it is read. */
const Said = ({ said: { adopted, refused }, onClose }: { said: Adopted; onClose: () => void }) => (
  <Dialog title="What became of them" onClose={onClose}>
    <div class="stack">
      {refused.length > 0 && (
        <ul class="plain-list">
          {refused.map(({ native_id: id, reason }) => (
            <li key={id}>
              <code>{id}</code> is not adopted: {reason}
            </li>
          ))}
        </ul>
      )}
      <ul class="plain-list">
        {adopted.flatMap(({ native_id: id, remarks }) =>
          remarks.map((remark) => (
            <li key={`${id} ${remark}`}>
              <code>{id}</code> is adopted: {remark}
            </li>
          )),
        )}
      </ul>
      <div class="row end">
        <button type="button" onClick={onClose}>
          I have read it
        </button>
      </div>
    </div>
  </Dialog>
)
