import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer, useDoing } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { useWindow, type WindowProps } from '../../parts/window.tsx'
import { goTo, linkTo } from '../../router.ts'
import { PricesCard } from './prices.tsx'
import { Refused } from './refused.tsx'
import type { Check, Cloud } from './shapes.ts'

/** A cloud: how it is reached, whether it answers, and what may be changed of that. */
const CloudPage = ({ params }: PageProps) => {
  const name = params.name ?? ''
  const path = `/clouds/${encodeURIComponent(name)}`
  const answer = useAnswer<{ cloud: Cloud }>('broker', path)
  const { shown, open } = useWindow()
  return (
    <>
      <Heading title={name}>
        <a class="button" href={linkTo('/clouds')}>
          All clouds
        </a>
        {answer.value && (
          <>
            <button
              type="button"
              onClick={() =>
                open((close) => (
                  <Switch cloud={answer.value!.cloud} path={path} onClose={close} onDone={answer.again} />
                ))
              }
            >
              {answer.value.cloud.enabled ? 'Switch off' : 'Switch on'}
            </button>
            <button
              type="button"
              onClick={() =>
                open((close) => (
                  <Change cloud={answer.value!.cloud} path={path} onClose={close} onDone={answer.again} />
                ))
              }
            >
              Change
            </button>
            <button
              type="button"
              onClick={() =>
                open((close) => (
                  <Removal
                    service="broker"
                    path={path}
                    name={name}
                    verb="Forget"
                    command={`DELETE /broker/v1${path}`}
                    onClose={close}
                    onDone={() => goTo(linkTo('/clouds'))}
                  >
                    <p>Its zones, offers, images and mappings are forgotten. A cloud that holds something stays.</p>
                  </Removal>
                ))
              }
            >
              Forget
            </button>
          </>
        )}
      </Heading>
      <Waiting answer={answer}>
        {({ cloud }) => (
          <div class="stack">
            <div class="cards two">
              <Card title="What it is" action={<Status status={cloud.status} />}>
                <Facts
                  facts={[
                    ['Type', cloud.type],
                    ['Endpoint', cloud.endpoint ?? undefined],
                    ['Region', cloud.region ?? undefined],
                    ['Credentials', cloud.has_credentials ? 'kept, sealed' : 'none'],
                    ['Turn', String(cloud.position)],
                    ['Takes servers', cloud.placing ? 'yes' : `no: ${cloud.placing_reason ?? 'an operator says so'}`],
                    ['Failures', String(cloud.failures)],
                    ['Answered', <Time key="seen" at={cloud.seen_at} otherwise="never" />],
                    ['Looked through', <Time key="inventory" at={cloud.inventory_at} otherwise="not yet" />],
                  ]}
                />
                {cloud.last_error && <p class="hint wrong">{cloud.last_error}</p>}
                {cloud.advice.map((each) => (
                  <p key={each} class="note under">
                    {each}
                  </p>
                ))}
              </Card>
              <CheckCard path={path} />
            </div>
            {cloud.hosts && (
              <Card title="Hosts">
                <ul class="plain-list">
                  {cloud.hosts.map((host) => (
                    <li key={host.name} class="row">
                      <Status status={host.state} /> <strong>{host.name}</strong>
                      <span class="quiet">{host.zone}</span>
                      <span class="spring" />
                      <Time at={host.seen_at} otherwise="never seen" />
                    </li>
                  ))}
                </ul>
              </Card>
            )}
            <Card title="Options">
              {Object.keys(cloud.options).length ? (
                <pre class="json">{JSON.stringify(cloud.options, null, 2)}</pre>
              ) : (
                <p class="quiet">All as they are by default.</p>
              )}
            </Card>
            <PricesCard name={name} />
            <Refused path={path} />
          </div>
        )}
      </Waiting>
      {shown}
    </>
  )
}

export default CloudPage

/** Asks the cloud itself whether all is well. */
const CheckCard = ({ path }: { path: string }) => {
  const [found, setFound] = useState<Check | null>(null)
  const { busy, fault, run } = useDoing()
  const check = () =>
    run(async () => setFound((await ask<{ check: Check }>('broker', `${path}/check`, { method: 'POST' })).check))
  return (
    <Card
      title="Check"
      action={
        <button type="button" disabled={busy} onClick={check}>
          {busy ? 'Asking…' : 'Check it now'}
        </button>
      }
    >
      <div class="stack" role="status">
        {!found && !fault && (
          <p class="quiet">
            Asks the cloud whether it answers, as which account, how far its clock is off, and what is not permitted.
          </p>
        )}
        {fault && <FaultNote fault={fault} />}
        {found && (
          <>
            <Facts
              facts={[
                [
                  'Answers',
                  <Status
                    key="reachable"
                    status={found.reachable ? 'yes' : 'no'}
                    tone={found.reachable ? 'good' : 'bad'}
                  />,
                ],
                ['As', found.account ?? undefined],
                ['Version', found.version ?? undefined],
                ['Clock is off by', found.clock_skew_ms === null ? undefined : `${found.clock_skew_ms} ms`],
                [
                  'Converts images',
                  found.image_conversion.available
                    ? `by ${found.image_conversion.tool}`
                    : found.image_conversion.reason,
                ],
              ]}
            />
            {found.denied.length > 0 && (
              <>
                <h3>Not permitted</h3>
                <ul>
                  {found.denied.map((each) => {
                    const words = typeof each === 'string' ? each : JSON.stringify(each)
                    return <li key={words}>{words}</li>
                  })}
                </ul>
              </>
            )}
            {found.warnings.map((each) => (
              <p key={each} class="note">
                {each}
              </p>
            ))}
          </>
        )}
        <Command line={`POST /broker/v1${path}/check`} />
      </div>
    </Card>
  )
}

interface OfCloud extends WindowProps {
  cloud: Cloud
  path: string
}

const Switch = ({ cloud, path, onClose, onDone }: OfCloud) => {
  const verb = cloud.enabled ? 'Switch off' : 'Switch on'
  const body = { cloud: { enabled: !cloud.enabled } }
  return (
    <Confirm
      title={`${verb} ${cloud.name}`}
      verb={verb}
      danger={cloud.enabled}
      command={[`PATCH /broker/v1${path}  ${JSON.stringify(body)}`]}
      work={async () => {
        await ask('broker', path, { method: 'PATCH', body })
        notify(`${cloud.name} is switched ${cloud.enabled ? 'off' : 'on'}.`)
        onDone()
      }}
      onClose={onClose}
    >
      <p>
        {cloud.enabled
          ? 'Nothing is asked of it any more: what runs there goes on, and nobody here sees how it is.'
          : 'It is asked again from now on.'}
      </p>
    </Confirm>
  )
}

const Change = ({ cloud, path, onClose, onDone }: OfCloud) => {
  const [first] = useState({
    endpoint: cloud.endpoint ?? '',
    region: cloud.region ?? '',
    position: String(cloud.position),
    options: JSON.stringify(cloud.options, null, 2),
  })
  const [wish, setWish] = useState(first)
  /** What was changed, alone: somebody else may change the rest meanwhile. */
  const changed = <T,>(key: keyof typeof wish, value: () => T) => (wish[key] === first[key] ? {} : { [key]: value() })
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  return (
    <Confirm
      title={`Change ${cloud.name}`}
      verb="Change"
      command={[`PATCH /broker/v1${path}`]}
      work={async () => {
        await ask('broker', path, {
          method: 'PATCH',
          body: {
            cloud: {
              ...changed('endpoint', () => wish.endpoint || null),
              ...changed('region', () => wish.region || null),
              ...changed('position', () => Number(wish.position)),
              ...changed('options', () => JSON.parse(wish.options || '{}') as object),
            },
          },
        })
        notify(`${cloud.name} is changed.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Endpoint" value={wish.endpoint} onInput={set('endpoint')} maxLength={2048} />
      <div class="pair">
        <TextField label="Region" value={wish.region} onInput={set('region')} maxLength={64} />
        <TextField label="Turn" type="number" min="0" value={wish.position} onInput={set('position')} required />
      </div>
      <TextField
        label="Options"
        hint="As JSON. They are replaced as a whole; the cloud's own words say what will not do."
        rows={10}
        value={wish.options}
        onInput={set('options')}
      />
    </Confirm>
  )
}
