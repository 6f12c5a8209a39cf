import { useChanges } from '../../api/events.ts'
import { useAnswer } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Disclosure } from '../../parts/disclosure.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { manyWords, vcpuWords } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { CloudCard, type Load } from './clouds.tsx'
import { type Few, Happening } from './happening.tsx'
import { type Costs, MoneyCard } from './money.tsx'
import { Quotas } from './quotas.tsx'

interface Loads {
  loads: Load[]
  spilled: { servers: number; vcpus: number }
}

const EVERY = 30_000

const Overview = (_: PageProps) => {
  const { session } = useStore(door)
  const isAdmin = has(session, 'admin')
  const project = session?.project ?? null
  const loads = useAnswer<Loads>('broker', '/loads', EVERY)
  const costs = useAnswer<Costs>('broker', '/costs?group_by=cloud', EVERY)
  const building = useAnswer<Few>('compute', '/servers/detail?status=BUILD&limit=8')
  const failed = useAnswer<Few>('compute', '/servers/detail?status=ERROR&limit=8')
  useChanges(['server'], () => {
    for (const each of [loads, costs, building, failed]) each.again()
  })
  return (
    <>
      <Heading title="Overview">
        {project && has(session, 'member') && (
          <a class="button primary" href={linkTo('/servers/new')}>
            New server
          </a>
        )}
      </Heading>
      <Waiting answer={loads}>
        {({ loads: clouds, spilled }) => (
          <>
            {clouds.length === 0 && (
              <div class="cards">
                <div class="wide">
                  <Empty
                    title="This project reaches no cloud"
                    command={isAdmin ? undefined : ['openstack availability zone list']}
                  >
                    <p>
                      A project is mapped to clouds by an administrator (
                      <code>PUT /broker/v1/projects/PROJECT/clouds/CLOUD</code>); then they are here, each as a hull
                      with the mark up to which she is filled.
                    </p>
                  </Empty>
                </div>
              </div>
            )}
            {spilled.servers > 0 && (
              <p class="note spilled">
                {manyWords(spilled.servers, 'server')} with {vcpuWords(spilled.vcpus)} of this project have spilled:
                they run elsewhere than at home.
              </p>
            )}
          </>
        )}
      </Waiting>
      <div class="cards">
        {loads.value?.loads.map((load) => (
          <CloudCard key={load.cloud} load={load} />
        ))}
        <MoneyCard answer={costs} every={isAdmin} />
      </div>
      <div class="cards two">
        <Happening building={building} failed={failed} />
      </div>
      {project && (
        <div class="cards">
          <div class="wide">
            <Quotas projectId={project.id} />
          </div>
        </div>
      )}
      <Disclosure label="The same by the command line">
        <Card title="Commands">
          <Command
            lines={[
              'openstack limits show --absolute',
              'openstack server list --status BUILD',
              'openstack server list --status ERROR',
            ]}
          />
        </Card>
      </Disclosure>
    </>
  )
}

export default Overview
