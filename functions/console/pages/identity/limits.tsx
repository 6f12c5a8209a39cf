import { commandLine } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Meter } from '../../parts/meter.tsx'
import { Waiting } from '../../parts/waiting.tsx'

interface Of {
  limit: number
  in_use?: number
  used?: number
}
type Set = Record<string, Of | string>

const Meters = ({ set }: { set: Set }) =>
  Object.entries(set)
    .filter((each): each is [string, Of] => typeof each[1] === 'object' && each[1].limit !== 0)
    .map(([name, { limit, in_use: inUse, used }]) => (
      <Meter key={name} label={name.replaceAll('_', ' ')} used={inUse ?? used ?? 0} limit={limit} />
    ))

/** What a project may have, and has, by the services that count it: any project's, not that of the token. */
export const Limits = ({ projectId }: { projectId: string }) => {
  const compute = useAnswer<{ quota_set: Set }>('compute', `/os-quota-sets/${projectId}/detail`)
  const volumes = useAnswer<{ quota_set: Set }>('volume', `/os-quota-sets/${projectId}?usage=True`)
  const networks = useAnswer<{ quota: Set }>('network', `/quotas/${projectId}/details`)
  return (
    <Card title="Quotas">
      <div class="meters">
        <Waiting answer={compute}>{({ quota_set: set }) => <Meters set={set} />}</Waiting>
        <Waiting answer={volumes}>{({ quota_set: set }) => <Meters set={set} />}</Waiting>
        <Waiting answer={networks}>{({ quota: set }) => <Meters set={set} />}</Waiting>
      </div>
      <div class="under">
        <Command
          lines={[
            commandLine('quota', 'show', '--usage', projectId),
            commandLine('quota', 'set', ['--instances', 'COUNT'], ['--cores', 'COUNT'], projectId),
          ]}
        />
      </div>
    </Card>
  )
}
