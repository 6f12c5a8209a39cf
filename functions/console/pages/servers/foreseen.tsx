import { useEffect, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { asFault, type Fault } from '../../api/fault.ts'
import { Card } from '../../parts/card.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { Considered, type Weighed } from './considered.tsx'

/** What `POST /broker/v1/placements` says. */
interface Foreseen {
  outcome: 'placed' | 'nowhere' | 'refused'
  rule?: string
  reason?: string
  places?: { cloud: string; zone: string | null; size: string; option: string; hourly: string | null }[]
  considered?: Weighed[]
  ties?: { rule: string; to: string[]; reason: string }[]
  preferences?: { rule: string; reason: string }[]
}

/** So many places behind the first are said. */
const MOST = 6
/** How long somebody has to pause while typing before the broker is asked, in milliseconds. */
const PAUSE = 250

const useForeseen = (body: object | null) => {
  const text = body && JSON.stringify(body)
  const [state, setState] = useState<{ foreseen: Foreseen | null; fault: Fault | null; of: string | null }>({
    foreseen: null,
    fault: null,
    of: null,
  })
  useEffect(() => {
    if (!text) return setState({ foreseen: null, fault: null, of: null })
    const leaving = new AbortController()
    const timer = setTimeout(() => {
      ask<{ placement: Foreseen }>('broker', '/placements', {
        method: 'POST',
        body: JSON.parse(text),
        signal: leaving.signal,
      }).then(
        ({ placement }) => setState({ foreseen: placement, fault: null, of: text }),
        (error) => leaving.signal.aborted || setState({ foreseen: null, fault: asFault(error), of: text }),
      )
    }, PAUSE)
    return () => {
      clearTimeout(timer)
      leaving.abort()
    }
  }, [text])
  // What was foreseen of another wish stands there until the answer comes, and says so.
  return { ...state, isFormer: state.of !== (text ?? null) }
}

/** Where a server would go that were asked for now, for how much, and why not elsewhere. */
export const ForeseenCard = ({ body, currency }: { body: object | null; currency: string }) => {
  const { foreseen, fault, isFormer } = useForeseen(body)
  const [first, ...others] = foreseen?.places ?? []
  return (
    <Card title="Where it would go">
      <div class="stack" aria-live="polite">
        {fault && <FaultNote fault={fault} />}
        {!body && (
          <p class="quiet">
            Choose a flavor and an image, and the broker says where such a server would be made, and for how much.
          </p>
        )}
        {body && isFormer && <p class="quiet waiting">Asking…</p>}
        {foreseen && !first && <p class="note fault">{foreseen.reason}</p>}
        {first && (
          <p class="verdict">
            <strong>{first.zone ? `${first.cloud}.${first.zone}` : first.cloud}</strong> as <code>{first.size}</code>
            {first.option === 'spot' && ', as spot'}
            <span class="quiet"> · </span>
            <strong>{first.hourly === null ? 'unpriced' : `${first.hourly} ${currency} per hour`}</strong>
          </p>
        )}
        {others.length > 0 && (
          <>
            <h3>If not there</h3>
            <ol class="plain-list small">
              {others.slice(0, MOST).map(({ cloud, zone, size, option, hourly }) => (
                <li key={`${cloud} ${zone} ${size} ${option}`} class="row">
                  <span>{zone ? `${cloud}.${zone}` : cloud}</span>
                  <code>{size}</code>
                  <span class="spring" />
                  <span class="number">{hourly === null ? 'unpriced' : `${hourly} ${currency}`}</span>
                </li>
              ))}
            </ol>
            {others.length > MOST && <p class="quiet small">And {others.length - MOST} more.</p>}
          </>
        )}
        {foreseen?.ties?.length ? (
          <>
            <h3>What ties it</h3>
            <ul class="plain-list small">
              {foreseen.ties.map(({ rule, reason }) => (
                <li key={rule + reason}>{reason}</li>
              ))}
            </ul>
          </>
        ) : null}
        <Considered
          considered={foreseen?.considered?.filter(({ verdict }) => verdict === 'refused') ?? []}
          title="Why not elsewhere"
        />
      </div>
    </Card>
  )
}
