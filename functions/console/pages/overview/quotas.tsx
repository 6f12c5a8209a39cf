import { useChanges } from '../../api/events.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Meter } from '../../parts/meter.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { countWords, mibWords } from '../../parts/words.ts'

interface Limits {
  limits: { absolute: Record<string, number> }
}
/** Of a project, as Cinder gives them to whoever may see those of others. */
interface VolumeQuota {
  quota_set: Record<string, { limit: number; in_use: number }>
}
interface NetworkQuota {
  quota: Record<string, { limit: number; used: number }>
}

const OF_COMPUTE = [
  ['Servers', 'totalInstancesUsed', 'maxTotalInstances', countWords],
  ['vCPUs', 'totalCoresUsed', 'maxTotalCores', countWords],
  ['Memory', 'totalRAMUsed', 'maxTotalRAMSize', mibWords],
] as const
const gib = (amount: number): string => mibWords(amount < 0 ? amount : amount * 1024)
const OF_VOLUMES = [
  ['Volumes', 'volumes', countWords],
  ['Volume disk', 'gigabytes', gib],
  ['Snapshots', 'snapshots', countWords],
] as const
const OF_NETWORKS = [
  ['Networks', 'network'],
  ['Routers', 'router'],
  ['Floating addresses', 'floatingip'],
  ['Security groups', 'security_group'],
] as const

/** What the project may have, and has. */
export const Quotas = ({ projectId }: { projectId: string }) => {
  const id = encodeURIComponent(projectId)
  const compute = useAnswer<Limits>('compute', `/limits?tenant_id=${id}`, 30_000)
  const volumes = useAnswer<VolumeQuota>('volume', `/os-quota-sets/${id}?usage=True`, 30_000)
  const networks = useAnswer<NetworkQuota>('network', `/quotas/${id}/details`, 30_000)
  useChanges(['server'], () => {
    for (const each of [compute, volumes, networks]) each.again()
  })
  return (
    <Card title="Quotas">
      <div class="meters">
        <Waiting answer={compute}>
          {({ limits: { absolute } }) =>
            OF_COMPUTE.map(([label, used, limit, words]) => (
              <Meter key={label} label={label} used={absolute[used] ?? 0} limit={absolute[limit] ?? -1} words={words} />
            ))
          }
        </Waiting>
        <Waiting answer={volumes}>
          {({ quota_set: quota }) =>
            OF_VOLUMES.map(([label, name, words]) => (
              <Meter
                key={label}
                label={label}
                used={quota[name]?.in_use ?? 0}
                limit={quota[name]?.limit ?? -1}
                words={words}
              />
            ))
          }
        </Waiting>
        <Waiting answer={networks}>
          {({ quota }) =>
            OF_NETWORKS.map(([label, name]) => (
              <Meter key={label} label={label} used={quota[name]?.used ?? 0} limit={quota[name]?.limit ?? -1} />
            ))
          }
        </Waiting>
      </div>
    </Card>
  )
}
