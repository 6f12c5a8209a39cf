import { useAnswer } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { linkTo } from '../../router.ts'
import { Month } from '../costs/month.tsx'
import { daysOf } from '../costs/shapes.ts'
import { Limits } from './limits.tsx'
import { type Mapping, MapTo } from './mapping.tsx'
import { PolicyCard } from './policy.tsx'

/** A project: which clouds it reaches and as what, and how its things are placed. */
const ProjectPage = ({ params }: PageProps) => {
  const id = params.id ?? ''
  const path = `/projects/${encodeURIComponent(id)}`
  const project = useAnswer<{ project: { name: string } }>('identity', path)
  const mappings = useAnswer<{ clouds: Mapping[] }>('broker', `${path}/clouds`)
  const [from, to] = daysOf(new Date().toISOString().slice(0, 7))
  const { shown, open } = useWindow()
  const map = (mapping?: Mapping) =>
    open((close) => <MapTo path={path} mapping={mapping} onClose={close} onDone={mappings.again} />)
  return (
    <>
      <Heading title={project.value?.project.name ?? 'Project'}>
        <a class="button" href={linkTo('/identity')}>
          All projects
        </a>
      </Heading>
      <div class="stack">
        <Card
          title="Clouds that it reaches"
          action={
            <button type="button" onClick={() => map()}>
              Map to a cloud
            </button>
          }
        >
          <Waiting answer={mappings}>
            {({ clouds }) =>
              clouds.length ? (
                <ul class="plain-list">
                  {clouds.map((each) => (
                    <li key={each.cloud} class="row">
                      <a href={linkTo('/clouds/:name', { name: each.cloud })}>{each.cloud}</a>
                      <code>{Object.keys(each.mapping).length ? JSON.stringify(each.mapping) : ''}</code>
                      <span class="quiet small">
                        <Time at={each.created_at} />
                      </span>
                      <span class="spring" />
                      <RowButton verb="Change" name={each.cloud} onClick={() => map(each)} />
                      <RowButton
                        verb="Take away"
                        name={each.cloud}
                        onClick={() =>
                          open((close) => (
                            <Removal
                              service="broker"
                              path={`${path}/clouds/${encodeURIComponent(each.cloud)}`}
                              name={each.cloud}
                              verb="Take away"
                              command={`DELETE /broker/v1${path}/clouds/${each.cloud}`}
                              onClose={close}
                              onDone={mappings.again}
                            >
                              <p>A cloud on which the project has something stays.</p>
                            </Removal>
                          ))
                        }
                      />
                    </li>
                  ))}
                </ul>
              ) : (
                <p class="quiet">None: nothing of the project can be made before it is mapped to one.</p>
              )
            }
          </Waiting>
          <div class="under">
            <Command line={`GET /broker/v1${path}/clouds`} />
          </div>
        </Card>
        <PolicyCard title="Policy" path={`${path}/policy`} own={`${path}/policy?own=true`} />
        <Month projectId={id} from={from} to={to} />
        <Limits projectId={id} />
      </div>
      {shown}
    </>
  )
}

export default ProjectPage
