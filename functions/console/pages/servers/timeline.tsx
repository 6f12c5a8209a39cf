import { useEffect, useRef } from 'preact/hooks'
import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { Considered, type Weighed } from './considered.tsx'
import type { PartProps } from './shapes.ts'

interface Actions {
  instanceActions: {
    action: string
    request_id: string
    start_time: string
    updated_at: string
    message: string | null
  }[]
}
/** What `GET /broker/v1/servers/{id}/placement` says. */
interface Placement {
  placement: {
    at: { cloud: string; zone: string; size: string | null } | null
    unknown?: string
    decided_at?: string
    considered?: Weighed[]
    ties?: { rule: string; to: string[]; reason: string }[]
    preferences?: { rule: string; reason: string }[]
    attempts?: {
      at: string
      cloud: string
      zone: string
      size: string
      after: { code: string; message: string } | null
    }[]
    hints?: { name: string; value: unknown; effect: string; reason: string | null }[]
    homecoming: { state: string; reason: string | null; due_at: string } | null
  }
}

/** What was asked of a server and how it went, where it was tried, and why it is where it is. */
export const Timeline = ({ server }: PartProps) => {
  const actions = useAnswer<Actions>('compute', `/servers/${server.id}/os-instance-actions?limit=100`)
  const placement = useAnswer<Placement>('broker', `/servers/${server.id}/placement`)
  // What the server is now has a reason in both.
  const drawn = useRef(false)
  useEffect(() => {
    // They are asked for when this is drawn as it is.
    if (!drawn.current) {
      drawn.current = true
      return
    }
    actions.again()
    placement.again()
  }, [server.updated, server.status])
  return (
    <div class="cards two">
      <Card title="What happened">
        <Waiting answer={actions}>
          {({ instanceActions }) => (
            <ol class="timeline">
              {instanceActions.map(({ action, request_id, start_time, message }) => (
                <li key={request_id} class={message ? 'told' : undefined}>
                  <span class="row">
                    <strong>{action}</strong>
                    <span class="spring" />
                    <span class="small quiet">
                      <Time at={start_time} />
                    </span>
                  </span>
                  {message && <div>{message}</div>}
                  <code class="small quiet">{request_id}</code>
                </li>
              ))}
            </ol>
          )}
        </Waiting>
        <Command line={commandLine('server', 'event', 'list', server.id)} />
      </Card>
      <Card title="Why it is where it is">
        <Waiting answer={placement}>
          {({
            placement: {
              at,
              unknown,
              attempts = [],
              considered = [],
              ties = [],
              preferences = [],
              hints = [],
              homecoming,
            },
          }) => (
            <div class="stack">
              {at ? (
                <p>
                  It is in <strong>{`${at.cloud}.${at.zone}`}</strong>
                  {at.size && (
                    <>
                      {' '}
                      as <code>{at.size}</code>
                    </>
                  )}
                  .
                </p>
              ) : (
                <p>It has no place yet.</p>
              )}
              {unknown && <p class="quiet">{unknown}</p>}
              {homecoming && (
                <p>
                  Homecoming: {homecoming.state}
                  {homecoming.reason && `, ${homecoming.reason}`}
                </p>
              )}
              {attempts.length > 0 && (
                <>
                  <h3>Where it was tried</h3>
                  <ol class="timeline">
                    {attempts.map(({ at: time, cloud, zone, size, after }) => (
                      <li key={`${time} ${cloud} ${zone} ${size}`}>
                        <span class="row">
                          <strong>{`${cloud}.${zone}`}</strong>
                          <code>{size}</code>
                          <span class="spring" />
                          <span class="small quiet">
                            <Time at={time} />
                          </span>
                        </span>
                        {after && (
                          <div>
                            after <code>{after.code}</code>: {after.message}
                          </div>
                        )}
                      </li>
                    ))}
                  </ol>
                </>
              )}
              <Reasons title="What tied it" reasons={ties} />
              <Reasons title="What was preferred" reasons={preferences} />
              <Considered considered={considered} title="What was considered" />
              <Reasons
                title="Hints"
                reasons={hints.map(({ name, effect, reason }) => ({ rule: name, reason: reason ?? effect }))}
              />
            </div>
          )}
        </Waiting>
      </Card>
    </div>
  )
}

const Reasons = ({ title, reasons }: { title: string; reasons: { rule: string; reason: string }[] }) =>
  reasons.length ? (
    <>
      <h3>{title}</h3>
      <ul class="plain-list small">
        {reasons.map(({ rule, reason }) => (
          <li key={rule + reason}>
            <span class="quiet">{rule} </span>
            {reason}
          </li>
        ))}
      </ul>
    </>
  ) : null
