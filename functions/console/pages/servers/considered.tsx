/** A place that was weighed, as the broker tells it. */
export interface Weighed {
  cloud: string
  zone: string | null
  size: string | null
  verdict: string
  rule: string | null
  reason: string | null
}

/** So many are said one by one. */
const MOST = 40

/** Places, and what refused each; nothing where there are none. */
export const Considered = ({ considered, title }: { considered: Weighed[]; title: string }) =>
  considered.length ? (
    <>
      <h3>{title}</h3>
      <ul class="plain-list small">
        {considered.slice(0, MOST).map(({ cloud, zone, size, verdict, rule, reason }) => (
          <li key={`${cloud} ${zone} ${size} ${rule}`}>
            <strong>{zone ? `${cloud}.${zone}` : cloud}</strong>
            {size && (
              <>
                {' '}
                <code>{size}</code>
              </>
            )}
            <span class="quiet"> {verdict === 'refused' ? (rule ?? '') : 'kept'}</span>
            {reason && <div>{reason}</div>}
          </li>
        ))}
      </ul>
      {considered.length > MOST && <p class="quiet small">And {considered.length - MOST} more.</p>}
    </>
  ) : null
