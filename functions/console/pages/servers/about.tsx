import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { mibWords, vcpuWords } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { Forks } from './forks.tsx'
import { addressesOf, type PartProps, zoneOf } from './shapes.ts'

interface Drift {
  drift: { cloud: string; what: string; intent: string; observed: string; first_seen_at: string }[]
}

/** What a server is, where it stands among its forks, and where its cloud differs from what was asked for. */
export const About = ({ server }: PartProps) => {
  const { flavor } = server
  const drift = useAnswer<Drift>('broker', `/drift?resource_id=${server.id}`)
  return (
    <div class="cards">
      <Card title="What it is" wide>
        <Facts
          facts={[
            ['Zone', zoneOf(server) || undefined],
            ['Flavor', `${flavor.original_name}: ${vcpuWords(flavor.vcpus)}, ${mibWords(flavor.ram)}`],
            [
              'Addresses',
              addressesOf(server).length ? <span class="mono">{addressesOf(server).join(', ')}</span> : 'none',
            ],
            ['Image', server.image ? <code>{server.image.id}</code> : 'none: it boots from a volume'],
            ['Key', server.key_name ?? 'none'],
            ['Security groups', server.security_groups?.map(({ name }) => name).join(', ') || 'none'],
            ['Made', <Time key="made" at={server.created} />],
            ['Started first', <Time key="launched" at={server['OS-SRV-USG:launched_at']} otherwise="not yet" />],
            ['Description', server.description ?? undefined],
            ['Tags', server.tags.length ? server.tags.join(', ') : undefined],
          ]}
        />
        <div class="under">
          <Command line={commandLine('server', 'show', server.id)} />
        </div>
      </Card>
      <Forks server={server} />
      <Card title="Drift">
        <Waiting answer={drift}>
          {({ drift: own }) =>
            own.length ? (
              <ul class="plain-list">
                {own.map(({ what, cloud, intent, observed, first_seen_at }) => (
                  <li key={`${cloud} ${what}`}>
                    <strong>{what}</strong> on {cloud}: asked for <code>{intent}</code>, found <code>{observed}</code>{' '}
                    <span class="small quiet">
                      <Time at={first_seen_at} />
                    </span>
                  </li>
                ))}
              </ul>
            ) : (
              <p class="quiet">It is as it was asked for.</p>
            )
          }
        </Waiting>
      </Card>
      {server.status === 'ERROR' && (
        <Card title="What now">
          <p>
            Its <a href={linkTo('/servers/:id', { id: server.id }, { part: 'timeline' })}>timeline</a> says where it was
            tried and what each place answered.
          </p>
        </Card>
      )}
    </div>
  )
}
