import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { reachWords } from './shapes.ts'

interface Plan {
  plan: { routed: boolean; pool: string | null; egress: boolean } | null
  reach: { clouds: string[]; reach: string }[]
  ways_out: { cloud: string; by: string | null; reason: string | null }[]
}

const RADIUS = 120

/** Where a cloud stands on the circle. */
const placeOf = (i: number, of: number): [x: number, y: number] => {
  const angle = (2 * Math.PI * i) / of - Math.PI / 2
  return of === 1 ? [230, 60] : [230 + Math.cos(angle) * RADIUS * 1.3, 150 + Math.sin(angle) * RADIUS]
}

/** Which clouds of the project reach each other, and which way each leads out, as the network plan says. */
export const Reach = ({ projectId }: { projectId: string }) => {
  const answer = useAnswer<Plan>('broker', `/projects/${projectId}/network-plan`)
  return (
    <Card title="From cloud to cloud">
      <Waiting answer={answer}>
        {({ plan, reach, ways_out: ways }) => {
          const clouds = ways.map(({ cloud }) => cloud)
          return (
            <div class="stack">
              <p class="quiet measure">
                {plan?.routed
                  ? `Networks are routed by themselves${plan.pool ? `, with addresses of ${plan.pool}` : ''}.`
                  : 'Networks are on each cloud by themselves: nothing is routed from one to another.'}
              </p>
              {clouds.length > 1 && (
                <div class="map pick">
                  <svg viewBox="0 0 460 300" class="ring" aria-hidden="true">
                    {reach.map(({ clouds: [one = '', other = ''], reach: how }) => {
                      const [x1, y1] = placeOf(clouds.indexOf(one), clouds.length)
                      const [x2, y2] = placeOf(clouds.indexOf(other), clouds.length)
                      return <path key={`${one}-${other}`} class={`wire ${how}`} d={`M${x1} ${y1} L${x2} ${y2}`} />
                    })}
                    {clouds.map((cloud, i) => {
                      const [x, y] = placeOf(i, clouds.length)
                      return (
                        <g key={cloud}>
                          <rect class="box outside" x={x - 52} y={y - 15} width="104" height="30" rx="15" />
                          <text x={x} y={y + 4} text-anchor="middle">
                            {cloud.slice(0, 14)}
                          </text>
                        </g>
                      )
                    })}
                  </svg>
                </div>
              )}
              <ul class="plain-list">
                {reach.map(({ clouds: pair, reach: how }) => (
                  <li key={pair.join()}>
                    <strong>{pair.join(' and ')}</strong> {reachWords(how)}.
                  </li>
                ))}
                {ways.map(({ cloud, by, reason }) => (
                  <li key={cloud}>
                    <strong>{cloud}</strong>{' '}
                    {by ? `leads out by ${by === 'router' ? 'a router' : by}` : 'leads nowhere'}
                    {reason ? `: ${reason}` : ''}.
                  </li>
                ))}
              </ul>
            </div>
          )
        }}
      </Waiting>
    </Card>
  )
}
