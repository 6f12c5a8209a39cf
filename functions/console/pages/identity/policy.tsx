import { ask } from '../../api/ask.ts'
import { Fault } from '../../api/fault.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { notify } from '../../parts/notice.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { useWindow, type WindowProps } from '../../parts/window.tsx'
import { type Policy, PolicyFields, usePolicyForm } from './policy-form.tsx'

interface Told {
  policy?: Partial<Policy>
  of_all?: Partial<Policy> | null
}

/**
 * How things are placed and what they may cost, by what was said.
 * @param path of the policy
 * @param own where what was said of just this stands, apart from what holds
 * @param ownIn what that says
 */
export const PolicyCard = ({
  title,
  path,
  own: ownPath,
  ownIn = ({ policy = {} }) => policy,
}: {
  title: string
  path: string
  own: string
  ownIn?: (told: Told) => Partial<Policy>
}) => {
  const holds = useAnswer<{ policy: Policy }>('broker', path)
  const own = useAnswer<Told>('broker', ownPath)
  const rates = useAnswer<{ rates: { currency: string | null } }>('broker', '/rates')
  const { shown, open } = useWindow()
  const change = () =>
    open((close) => (
      <Change
        path={path}
        look={async () => ownIn(await ask<Told>('broker', ownPath))}
        said={ownIn(own.value!)}
        currency={rates.value?.rates.currency ?? ''}
        onClose={close}
        onDone={() => {
          holds.again()
          own.again()
        }}
      />
    ))
  return (
    <Card
      title={title}
      action={
        own.value && rates.value ? (
          <button type="button" onClick={change}>
            Change
          </button>
        ) : undefined
      }
    >
      <Waiting answer={holds}>{({ policy }) => <Facts facts={factsOf(policy)} />}</Waiting>
      <div class="under">
        <Command line={`GET /broker/v1${path}`} />
      </div>
      {shown}
    </Card>
  )
}

const factsOf = (holds: Policy): [string, string][] => [
  ['Clouds in turn', holds.chain?.join(', ') ?? 'as they are registered'],
  [
    'Marks',
    Object.entries(holds.marks)
      .map(([name, mark]) => `${name} ${mark}`)
      .join(', ') || 'none',
  ],
  ['Spills', holds.spill],
  ['Zones', holds.zones],
  ['Weakest filters', holds.min_filters],
  ['Spot', holds.spot],
  ['Lease', holds.lease ?? 'none'],
  [
    'Budget',
    holds.budget
      ? `${holds.budget.amount} ${holds.budget.currency} a ${holds.budget.period}, then ${holds.budget.at_100}`
      : 'none',
  ],
  [
    'Most an hour',
    holds.max_hourly_cost ? `${holds.max_hourly_cost.amount} ${holds.max_hourly_cost.currency}` : 'no limit',
  ],
]

const Change = ({
  path,
  look,
  said,
  currency,
  onClose,
  onDone,
}: WindowProps & { path: string; look: () => Promise<Partial<Policy>>; said: Partial<Policy>; currency: string }) => {
  const form = usePolicyForm(said, currency)
  const body = { policy: form.policy }
  return (
    <Confirm
      title="How things are placed"
      verb="Say so"
      command={[`PUT /broker/v1${path}  ${JSON.stringify(body)}`]}
      work={async () => {
        if (JSON.stringify(await look()) !== JSON.stringify(said))
          throw new Fault(0, 'Somebody else said something of it meanwhile: close this window and look again.')
        await ask('broker', path, { method: 'PUT', body })
        notify('The policy is another.')
        onDone()
      }}
      onClose={onClose}
    >
      <PolicyFields form={form} />
    </Confirm>
  )
}
