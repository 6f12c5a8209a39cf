import type { Answer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { linkTo } from '../../router.ts'

export interface Few {
  servers: {
    id: string
    name: string
    status: string
    created: string
    updated: string
    'OS-EXT-STS:task_state': string | null
    'OS-EXT-AZ:availability_zone': string
    fault?: { message: string }
  }[]
}

/** What is under way, and what failed and why. */
export const Happening = ({ building, failed }: { building: Answer<Few>; failed: Answer<Few> }) => (
  <>
    <Card title="Being built">
      <Waiting answer={building}>
        {({ servers }) =>
          servers.length ? (
            <ul class="plain-list">
              {servers.map((server) => (
                <li key={server.id} class="row">
                  <a href={linkTo('/servers/:id', { id: server.id })}>{server.name}</a>
                  <span class="spring" />
                  <span class="small">
                    <Status status={server.status} task={server['OS-EXT-STS:task_state']} />{' '}
                    <Time at={server.created} />
                  </span>
                </li>
              ))}
            </ul>
          ) : (
            <p class="quiet">Nothing is being built.</p>
          )
        }
      </Waiting>
    </Card>
    <Card title="Failed">
      <Waiting answer={failed}>
        {({ servers }) =>
          servers.length ? (
            <ul class="plain-list">
              {servers.map(({ id, name, updated, fault }) => (
                <li key={id}>
                  <span class="row">
                    <a href={linkTo('/servers/:id', { id })}>{name}</a>
                    <span class="spring" />
                    <span class="small quiet">
                      <Time at={updated} />
                    </span>
                  </span>
                  <span class="small">{fault?.message ?? 'It does not say why.'}</span>
                </li>
              ))}
            </ul>
          ) : (
            <p class="quiet">Nothing has failed.</p>
          )
        }
      </Waiting>
    </Card>
  </>
)
