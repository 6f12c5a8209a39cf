import { useAnswer } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'

interface Able {
  available: boolean
  reason?: string
  unverified?: string
}
interface Described {
  cloud: string
  type: string
  maturity?: string
  read_only?: boolean
  filters?: string
  unavailable?: string
  capabilities?: Record<string, Able>
}
interface Row {
  name: string
  by: (Able | undefined)[]
}

const Told = ({ able }: { able: Able | undefined }) =>
  able === undefined ? (
    <span class="quiet">not told</span>
  ) : able.available ? (
    <span class="status good" title={able.unverified}>
      yes{able.unverified && <span class="quiet"> · proved less</span>}
    </span>
  ) : (
    <span class="status idle" title={able.reason}>
      no<span class="quiet"> · {able.reason}</span>
    </span>
  )

/** What each cloud can do, side by side, and why it cannot do the rest. */
export const Capabilities = () => {
  const answer = useAnswer<{ clouds: Described[] }>('broker', '/capabilities')
  return (
    <Waiting answer={answer}>
      {({ clouds }) => {
        if (!clouds.length)
          return (
            <Empty title="No cloud to compare">
              <p>Clouds that the project is mapped to are here side by side.</p>
            </Empty>
          )
        const names = [...new Set(clouds.flatMap(({ capabilities }) => Object.keys(capabilities ?? {})))]
        const rows: Row[] = names.map((name) => ({ name, by: clouds.map((each) => each.capabilities?.[name]) }))
        const columns: Column<Row>[] = [
          { key: 'name', title: 'What', cell: ({ name }) => <code>{name}</code> },
          ...clouds.map(({ cloud }, i) => ({
            key: cloud,
            title: cloud,
            cell: ({ by }: Row) => <Told able={by[i]} />,
          })),
        ]
        return (
          <div class="stack">
            <ul class="plain-list">
              {clouds.map((each) => (
                <li key={each.cloud} class="row">
                  <strong>{each.cloud}</strong>
                  <span>
                    {each.unavailable ??
                      [
                        each.type,
                        each.maturity &&
                          `proved on ${{ real: 'the real thing', simulator: 'a simulator', schema: 'its schema' }[each.maturity] ?? each.maturity}`,
                        each.filters && `filters ${each.filters}`,
                        each.read_only ? 'only looked at' : '',
                      ]
                        .filter(Boolean)
                        .join(', ')}
                  </span>
                </li>
              ))}
            </ul>
            <Table
              caption="What each cloud can do"
              columns={columns}
              rows={rows}
              idOf={({ name }) => name}
              nameOf={({ name }) => name}
            />
            <Command line="GET /broker/v1/capabilities" />
          </div>
        )
      }}
    </Waiting>
  )
}
