import { ask } from '../../api/ask.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { notify } from '../../parts/notice.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { Fresh, useWindow, type WindowProps } from '../../parts/window.tsx'
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
  const rates = useAnswer<{ rates: { currency: string | null } }>('broker', '/rates')
  const { shown, open } = useWindow()
  const change = () =>
    open((close) => (
      <Fresh title="How things are placed" look={async () => ownIn(await ask<Told>('broker', ownPath))} onClose={close}>
        {(said, unmoved) => (
          <Change
            path={path}
            said={said}
            unmoved={unmoved}
            currency={rates.value?.rates.currency ?? ''}
            onClose={close}
            onDone={holds.again}
          />
        )}
      </Fresh>
    ))
  return (
    <Card
      title={title}
      action={
        rates.value ? (
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
  said,
  unmoved,
  currency,
  onClose,
  onDone,
}: WindowProps & { path: string; said: Partial<Policy>; unmoved: () => Promise<void>; currency: string }) => {
  const form = usePolicyForm(said, currency)
  const body = () => ({ policy: form.policy() })
  return (
    <Confirm
      title="How things are placed"
      verb="Say so"
      command={() => [`PUT /broker/v1${path}  ${JSON.stringify(body())}`]}
      work={async () => {
        const asked = { method: 'PUT', body: body() } as const
        await unmoved()
        await ask('broker', path, asked)
        notify('The policy is another.')
        onDone()
      }}
      onClose={onClose}
    >
      <PolicyFields form={form} />
    </Confirm>
  )
}
