import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { Fault } from '../../api/fault.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useChoices } from '../../api/use-choices.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { ChoiceField } from '../../parts/choice.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow, type WindowProps } from '../../parts/window.tsx'
import { linkTo } from '../../router.ts'
import type { Cloud } from '../clouds/shapes.ts'
import { Limits } from './limits.tsx'

interface Mapping {
  cloud: string
  mapping: Record<string, unknown>
  created_at: string
}
interface Policy {
  chain: string[] | null
  zones: string
  min_filters: string
  marks: Record<string, number>
  spill: string
  spot: string
  lease: string | null
  budget: { amount: string; currency: string; period: string; at_100: string } | null
  max_hourly_cost: { amount: string; currency: string } | null
}

/** A project: which clouds it reaches and as what, and how its things are placed. */
const ProjectPage = ({ params }: PageProps) => {
  const id = params.id ?? ''
  const path = `/projects/${encodeURIComponent(id)}`
  const project = useAnswer<{ project: { name: string } }>('identity', path)
  const mappings = useAnswer<{ clouds: Mapping[] }>('broker', `${path}/clouds`)
  const policy = useAnswer<{ policy: Policy }>('broker', `${path}/policy`)
  const own = useAnswer<{ policy: Partial<Policy> }>('broker', `${path}/policy?own=true`)
  const { shown, open } = useWindow()
  const said = () => {
    policy.again()
    own.again()
  }
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
        <Card
          title="Policy"
          action={
            own.value ? (
              <button
                type="button"
                onClick={() =>
                  open((close) => <ChangePolicy path={path} said={own.value!.policy} onClose={close} onDone={said} />)
                }
              >
                Change
              </button>
            ) : undefined
          }
        >
          <Waiting answer={policy}>
            {({ policy: holds }) => (
              <Facts
                facts={[
                  ['Clouds in turn', holds.chain?.join(', ') ?? 'as they are registered'],
                  [
                    'Marks',
                    Object.entries(holds.marks)
                      .map(([name, mark]) => `${name} ${mark}`)
                      .join(', ') || 'none',
                  ],
                  ['Spills', holds.spill],
                  ['Zones', holds.zones],
                  ['Weakest filters', holds.min_filters],
                  ['Spot', holds.spot],
                  ['Lease', holds.lease ?? 'none'],
                  [
                    'Budget',
                    holds.budget
                      ? `${holds.budget.amount} ${holds.budget.currency} a ${holds.budget.period}, then ${holds.budget.at_100}`
                      : 'none',
                  ],
                  [
                    'Most an hour',
                    holds.max_hourly_cost
                      ? `${holds.max_hourly_cost.amount} ${holds.max_hourly_cost.currency}`
                      : 'no limit',
                  ],
                ]}
              />
            )}
          </Waiting>
          <div class="under">
            <Command line={`GET /broker/v1${path}/policy`} />
          </div>
        </Card>
        <Limits projectId={id} />
      </div>
      {shown}
    </>
  )
}

export default ProjectPage

interface OfPath extends WindowProps {
  path: string
}

const MapTo = ({ path, mapping, onClose, onDone }: OfPath & { mapping: Mapping | undefined }) => {
  const clouds = useChoices<Cloud>('broker', '/clouds', 'clouds', true)
  const [cloud, setCloud] = useState(mapping?.cloud ?? '')
  const [text, setText] = useState(JSON.stringify(mapping?.mapping ?? {}, null, 2))
  return (
    <Confirm
      title={mapping ? `How it is mapped to ${mapping.cloud}` : 'Map to a cloud'}
      verb={mapping ? 'Change' : 'Map'}
      command={[`PUT /broker/v1${path}/clouds/${cloud || 'CLOUD'}  {"mapping": ${text.replace(/\s+/g, ' ')}}`]}
      work={async () => {
        const body = { mapping: JSON.parse(text) as object }
        await ask('broker', `${path}/clouds/${encodeURIComponent(cloud)}`, { method: 'PUT', body })
        notify(`The project reaches ${cloud}.`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Cloud"
        choices={clouds}
        none="No cloud is registered."
        first="Which…"
        value={cloud}
        onChange={setCloud}
        required
        disabled={mapping !== undefined}
        keyOf={({ name }) => name}
        wordsOf={({ name }) => name}
      />
      <TextField
        label="As what"
        hint="JSON: the account, role, network or folder there; {} where the cloud's own credentials do."
        rows={6}
        value={text}
        onInput={setText}
      />
    </Confirm>
  )
}

const ChangePolicy = ({ path, said, onClose, onDone }: OfPath & { said: Partial<Policy> }) => {
  const [text, setText] = useState(JSON.stringify(said, null, 2))
  return (
    <Confirm
      title="How its things are placed"
      verb="Say so"
      command={[`PUT /broker/v1${path}/policy`]}
      work={async () => {
        const body = { policy: JSON.parse(text) as object }
        const current = await ask<{ policy: object }>('broker', `${path}/policy?own=true`)
        if (JSON.stringify(current.policy) !== JSON.stringify(said))
          throw new Fault(0, 'Somebody else said something of it meanwhile: close this window and look again.')
        await ask('broker', `${path}/policy`, { method: 'PUT', body })
        notify('The policy is another.')
        onDone()
      }}
      onClose={onClose}
    >
      <TextField
        label="Policy"
        hint="JSON: what is said of this project itself, as chain, marks, spill, budget. What it does not speak of is as for all projects."
        rows={18}
        value={text}
        onInput={setText}
      />
    </Confirm>
  )
}
