import { commandLine } from '../../api/command.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { countWords, mibWords } from '../../parts/words.ts'
import { door } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { type Paged, useWhole } from './use-whole.ts'

interface Used {
  instance_id: string
  name: string
  flavor: string
  state: string
  vcpus: number
  memory_mb: number
  hours: number
  started_at: string
  ended_at: string | null
}
interface Usage {
  total_hours?: number
  total_vcpus_usage?: number
  total_memory_mb_usage?: number
  server_usages?: Used[]
}

const COLUMNS: Column<Used>[] = [
  { key: 'name', title: 'Server', cell: ({ name }) => name },
  { key: 'flavor', title: 'Flavor', cell: ({ flavor }) => flavor },
  { key: 'state', title: 'State', cell: ({ state }) => state },
  { key: 'vcpus', title: 'vCPUs', number: true, cell: ({ vcpus }) => vcpus },
  { key: 'ram', title: 'Memory', number: true, cell: ({ memory_mb: mib }) => mibWords(mib) },
  { key: 'hours', title: 'Hours', number: true, cell: ({ hours }) => hours.toFixed(2) },
  { key: 'from', title: 'From', cell: ({ started_at: at }) => <Time at={at} /> },
  { key: 'to', title: 'To', cell: ({ ended_at: at }) => <Time at={at} otherwise="now" /> },
]
interface Told {
  tenant_usage: Usage
  tenant_usage_links?: { rel: string; href: string }[]
}
/** Each page has the sums of its own servers alone. */
const ALL: Paged<Told> = {
  nextOf: ({ tenant_usage_links: links }) => {
    const href = links?.find(({ rel }) => rel === 'next')?.href
    const marker = href && new URL(href, 'http://next').searchParams.get('marker')
    return marker ? `marker=${encodeURIComponent(marker)}` : null
  },
  join: ({ tenant_usage: all }, { tenant_usage: page }) => ({
    tenant_usage: {
      total_hours: (all.total_hours ?? 0) + (page.total_hours ?? 0),
      total_vcpus_usage: (all.total_vcpus_usage ?? 0) + (page.total_vcpus_usage ?? 0),
      total_memory_mb_usage: (all.total_memory_mb_usage ?? 0) + (page.total_memory_mb_usage ?? 0),
      server_usages: [...(all.server_usages ?? []), ...(page.server_usages ?? [])],
    },
  }),
}
const hours = (amount: number | undefined): string => `${countWords(Math.round(amount ?? 0))} h`

/** What the servers of the project used this month, as Nova counts it. */
export const Usage = () => {
  const { session } = useStore(door)
  const [start, end] = [
    `${new Date().toISOString().slice(0, 8)}01`,
    new Date(Date.now() + 86_400_000).toISOString().slice(0, 10),
  ]
  const answer = useWhole<Told>(
    'compute',
    session?.project
      ? `/os-simple-tenant-usage/${session.project.id}?start=${start}T00:00:00&end=${end}T00:00:00&limit=1000`
      : null,
    ALL,
  )
  return (
    <div class="stack">
      <Waiting answer={answer}>
        {({ tenant_usage: usage }) =>
          usage.server_usages?.length ? (
            <>
              {answer.cut && (
                <p class="note">
                  There were more servers: these sums are of the first {countWords(usage.server_usages.length)}.
                </p>
              )}
              <Card title="This month">
                <Facts
                  facts={[
                    ['Hours of servers', hours(usage.total_hours)],
                    ['Hours of vCPUs', hours(usage.total_vcpus_usage)],
                    ['Hours of memory', `${countWords(Math.round((usage.total_memory_mb_usage ?? 0) / 1024))} GiB h`],
                  ]}
                />
              </Card>
              <Table
                caption="Servers that were there this month"
                columns={COLUMNS}
                rows={usage.server_usages}
                idOf={({ instance_id: id }) => id}
                nameOf={({ name }) => name}
              />
            </>
          ) : (
            <p class="quiet">No server was there this month.</p>
          )
        }
      </Waiting>
      <Command line={commandLine('usage', 'show', ['--start', start], ['--end', end])} />
    </div>
  )
}
