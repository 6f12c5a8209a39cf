import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Status } from '../../parts/status.tsx'
import { linkTo } from '../../router.ts'
import type { Server } from './shapes.ts'

interface Kin {
  parent: Relative | null
  forks: Relative[]
}
interface Relative {
  id: string
  name: string
  status: string
}

const Link = ({ relative: { id, name, status } }: { relative: Relative }) => (
  <span class="row">
    <a href={linkTo('/servers/:id', { id })}>{name}</a> <Status status={status} />
  </span>
)

/** The server that it goes on from, and those that go on from it. */
export const Forks = ({ server }: { server: Server }) => {
  const { value, fault } = useAnswer<Kin>('broker', `/servers/${server.id}/forks`)
  const { parent = null, forks = [] } = value ?? {}
  return (
    <Card title="Forks">
      {fault && <p class="quiet">{fault.message}</p>}
      {value && !parent && !forks.length && (
        <div class="stack">
          <p class="quiet">It is no fork and has none. A fork goes on where its parent stands.</p>
          <Command
            line={`openstack server create --image IMAGE --flavor FLAVOR --hint plimsoll:fork_of=${server.id} worker`}
          />
        </div>
      )}
      {(parent || forks.length > 0) && (
        <ul class="tree">
          <li>
            {parent ? <Link relative={parent} /> : <strong>{server.name}</strong>}
            <ul>
              {parent ? (
                <li>
                  <strong>{server.name}</strong>
                  {forks.length > 0 && <Branches forks={forks} />}
                </li>
              ) : (
                forks.map((fork) => (
                  <li key={fork.id}>
                    <Link relative={fork} />
                  </li>
                ))
              )}
            </ul>
          </li>
        </ul>
      )}
    </Card>
  )
}

const Branches = ({ forks }: { forks: Relative[] }) => (
  <ul>
    {forks.map((fork) => (
      <li key={fork.id}>
        <Link relative={fork} />
      </li>
    ))}
  </ul>
)
