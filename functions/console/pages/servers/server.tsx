import type { ComponentType } from 'preact'
import { useState } from 'preact/hooks'
import { useEvents } from '../../api/events.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useUntil } from '../../api/use-until.ts'
import type { PageProps } from '../../page.ts'
import { FaultNote } from '../../parts/fault.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { Status } from '../../parts/status.tsx'
import { ForMembers } from '../../parts/window.tsx'
import { goTo, linkTo } from '../../router.ts'
import { About } from './about.tsx'
import { DEEDS, type Deed, DeedDialog } from './actions.tsx'
import { Changes } from './changes.tsx'
import { ConsoleLog } from './console-log.tsx'
import { Metadata } from './metadata.tsx'
import { Plugged } from './plugged.tsx'
import { Screen } from './screen.tsx'
import type { PartProps, Server } from './shapes.ts'
import { Timeline } from './timeline.tsx'

const PARTS: [name: string, title: string, Part: ComponentType<PartProps>][] = [
  ['', 'Overview', About],
  ['timeline', 'Timeline', Timeline],
  ['plugged', 'Ports and volumes', Plugged],
  ['log', 'Console log', ConsoleLog],
  ['screen', 'Remote console', Screen],
  ['changes', 'Changes', Changes],
  ['metadata', 'Metadata', Metadata],
]

/** A server with its parts, each behind a link. */
const ServerPage = ({ params, query }: PageProps) => {
  const id = params.id ?? ''
  const answer = useAnswer<{ server: Server }>('compute', `/servers/${encodeURIComponent(id)}`)
  const [deed, setDeed] = useState<Deed | null>(null)
  const [gone, setGone] = useState(false)
  useEvents(({ type, resource, data }) => {
    if (resource.id === id && data.status === 'DELETED') setGone(true)
    else if (type === 'gap' || resource.id === id) answer.again()
  })
  const server = answer.value?.server
  // That a task is over, with the status as it was, no event tells.
  useUntil(!gone && Boolean(server?.['OS-EXT-STS:task_state']), answer.again)
  const [, , Part = About] = PARTS.find(([name]) => name === (query.get('part') ?? '')) ?? []
  if (!server)
    return (
      <>
        <Heading title="Server" />
        {answer.fault ? <FaultNote fault={answer.fault} again={answer.again} /> : <p class="quiet waiting">Asking…</p>}
      </>
    )
  const isAble = ({ name, when }: Deed) => {
    if (name === 'lock') return !server.locked
    if (name === 'unlock') return server.locked
    return !when || when.includes(server.status)
  }
  return (
    <>
      <Heading title={server.name}>
        <ForMembers>
          {/* All are there, some of them hidden: a button that is moved to let another in loses the focus. */}
          {DEEDS.map((each) => (
            <button key={each.name} type="button" hidden={!isAble(each)} disabled={gone} onClick={() => setDeed(each)}>
              {each.verb}
            </button>
          ))}
        </ForMembers>
      </Heading>
      <p class="row under-heading">
        <Status status={gone ? 'DELETED' : server.status} task={server['OS-EXT-STS:task_state']} />
        {server.locked && <span class="quiet">locked{server.locked_reason && `: ${server.locked_reason}`}</span>}
        <code class="quiet">{server.id}</code>
      </p>
      {gone && (
        <p class="note">
          It is gone. <a href={linkTo('/servers')}>To the servers</a>
        </p>
      )}
      {answer.fault && !gone && <FaultNote fault={answer.fault} again={answer.again} />}
      {server.fault && <p class="note fault">{server.fault.message}</p>}
      <Sections
        label="Parts of the server"
        parts={PARTS}
        current={query.get('part') ?? ''}
        at={(part) => linkTo('/servers/:id', { id }, { part })}
      />
      {!gone && <Part server={server} again={answer.again} />}
      {deed && (
        <DeedDialog
          deed={deed}
          servers={[server]}
          onClose={() => setDeed(null)}
          onDone={() => (deed.name === 'delete' ? goTo(linkTo('/servers')) : answer.again())}
        />
      )}
    </>
  )
}

export default ServerPage
