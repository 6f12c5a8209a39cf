import { Card } from '../../parts/card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Hull } from '../../parts/hull.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { manyWords, mibWords, moneyWords, percentWords, vcpuWords } from '../../parts/words.ts'

interface Amount {
  vcpus: number
  ram_mib: number
}

/** What `GET /broker/v1/loads` says of a cloud; the last three to administrators. */
export interface Load {
  cloud: string
  type: string
  region: string | null
  home: boolean
  status: string
  breaker_open_until: string | null
  placing: boolean
  placing_reason: string | null
  mark: number | null
  past_mark: boolean
  load: number | null
  project: Amount & { servers: number; room: Amount | null; load: number | null }
  hourly: { amount: string; currency: string | null }
  seen_at: string | null
  swept_at: string | null
  room?: Amount | null
  taken?: Amount
  last_error?: string | null
}

const amountWords = ({ vcpus, ram_mib }: Amount): string => `${vcpuWords(vcpus)}, ${mibWords(ram_mib)}`

/** Why nothing new goes there, if nothing does. */
const why = ({ past_mark, placing, placing_reason }: Load): string | null =>
  !placing
    ? `Nothing new goes there: ${placing_reason ?? 'an operator says so'}`
    : past_mark
      ? 'It was full up to its mark: what is new goes on to the next cloud.'
      : null

/** A cloud as a hull with her load line. */
export const CloudCard = ({ load }: { load: Load }) => {
  const reason = why(load)
  return (
    <Card title={load.cloud} action={<Status status={load.status} />}>
      <div class="cloud">
        <Hull name={load.cloud} load={load.load ?? load.project.load} mark={load.mark} />
        <Facts
          facts={[
            ['Load', load.load === null ? 'room is not told' : percentWords(load.load)],
            ['Mark', load.mark === null ? 'none' : percentWords(load.mark)],
            [
              'Room',
              load.room
                ? `${amountWords(load.taken ?? { vcpus: 0, ram_mib: 0 })} of ${amountWords(load.room)}`
                : undefined,
            ],
            ['Of this project', `${manyWords(load.project.servers, 'server')}, ${amountWords(load.project)}`],
            ['Per hour', moneyWords(load.hourly)],
            [
              'Breaker',
              load.breaker_open_until ? (
                <>
                  open, tried again <Time at={load.breaker_open_until} />
                </>
              ) : (
                'closed'
              ),
            ],
            ['Last sweep', <Time key="swept" at={load.swept_at} otherwise="not yet" />],
            ['Kind', [load.home ? 'home' : '', load.type, load.region ?? ''].filter(Boolean).join(', ')],
          ]}
        />
        {reason && <p class="small">{reason}</p>}
        {load.last_error && <p class="small hint wrong">{load.last_error}</p>}
      </div>
    </Card>
  )
}
