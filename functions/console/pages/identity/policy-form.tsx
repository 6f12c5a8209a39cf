import { useState } from 'preact/hooks'
import { inLines, linesOf, numbersIn, wordsIn } from '../../api/lines.ts'
import { Disclosure } from '../../parts/disclosure.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import type { Money } from '../../parts/words.ts'

/** How the things of a project are placed and what they may cost, as far as it is said. */
export interface Policy {
  chain: string[] | null
  zones: string
  min_filters: string
  marks: Record<string, number>
  hysteresis: number
  spill: string
  spill_cap: { instances?: number; cores?: number } | null
  spot: string
  lease: string | null
  budget: (Money & { period: string; at_100: string }) | null
  max_hourly_cost: Money | null
}

/** What a field says where nothing is said: it holds as for all projects. */
const UNSAID = ''
const NONE = 'none'
/** Every cloud that the project is mapped to, in the operator's order. */
const ALL = 'all'

const choices = (...values: string[]) => [
  { value: UNSAID, label: 'as for all projects' },
  ...values.map((value) => ({ value, label: value })),
]

/** Keys that have fields of their own; the others stand as lines. */
const OWN = [
  'chain',
  'marks',
  'hysteresis',
  'spill',
  'spill_cap',
  'zones',
  'min_filters',
  'spot',
  'lease',
  'budget',
  'max_hourly_cost',
]

/** What is said of a policy, as the fields have it. */
const fieldsOf = (said: Partial<Policy>) => {
  const money = (of: Money | null | undefined) => (of === undefined ? UNSAID : of === null ? NONE : 'some')
  return {
    chain: said.chain === null ? ALL : (said.chain?.join(', ') ?? ''),
    marks: linesOf(said.marks ?? {}),
    hysteresis: said.hysteresis === undefined ? '' : String(said.hysteresis),
    spill: said.spill ?? UNSAID,
    servers: String(said.spill_cap?.instances ?? ''),
    cores: String(said.spill_cap?.cores ?? ''),
    zones: said.zones ?? UNSAID,
    filters: said.min_filters ?? UNSAID,
    spot: said.spot ?? UNSAID,
    lease: said.lease === null ? NONE : (said.lease ?? ''),
    budget: money(said.budget),
    amount: said.budget?.amount ?? '',
    spent: said.budget?.at_100 ?? 'refuse',
    hourly: money(said.max_hourly_cost),
    most: said.max_hourly_cost?.amount ?? '',
    rest: linesOf(
      Object.fromEntries(
        Object.entries(said).filter(
          ([key, value]) => value !== undefined && (!OWN.includes(key) || (key === 'spill_cap' && value === null)),
        ),
      ),
    ),
  }
}
type Fields = ReturnType<typeof fieldsOf>

/** In which currency each amount is said. */
type Currencies = Record<'budget' | 'hourly', string>

/** What the fields say, as it is written: what they do not speak of is absent. */
const policyIn = (wish: Fields, { budget, hourly }: Currencies): Partial<Policy> => {
  const cap = {
    ...(wish.servers && { instances: Number(wish.servers) }),
    ...(wish.cores && { cores: Number(wish.cores) }),
  }
  return {
    ...(wish.chain.trim() && { chain: wish.chain.trim() === ALL ? null : wordsIn(wish.chain) }),
    ...(wish.marks.trim() && { marks: numbersIn(wish.marks) }),
    ...(wish.hysteresis && { hysteresis: Number(wish.hysteresis) }),
    ...(wish.spill && { spill: wish.spill }),
    ...(Object.keys(cap).length && { spill_cap: cap }),
    ...(wish.zones && { zones: wish.zones }),
    ...(wish.filters && { min_filters: wish.filters }),
    ...(wish.spot && { spot: wish.spot }),
    ...(wish.lease && { lease: wish.lease === NONE ? null : wish.lease }),
    ...(wish.budget && {
      budget:
        wish.budget === NONE ? null : { amount: wish.amount, currency: budget, period: 'month', at_100: wish.spent },
    }),
    ...(wish.hourly && {
      max_hourly_cost: wish.hourly === NONE ? null : { amount: wish.most, currency: hourly },
    }),
    ...inLines(wish.rest),
  }
}

/** What the fields of a policy are, and what they say. */
interface PolicyForm {
  wish: Fields
  set: (key: keyof Fields) => (value: string) => void
  /** What the fields say. @throws Fault which of their lines says nothing */
  policy: () => Partial<Policy>
  currencies: Currencies
}

/**
 * A policy as a form.
 * @param said what was said of it before: with what the fields begin
 * @param currency in which the deployment counts; empty: amounts cannot be said
 */
export const usePolicyForm = (said: Partial<Policy>, currency: string): PolicyForm => {
  const [wish, setWish] = useState(() => fieldsOf(said))
  // What was said in another currency stays in that, each by itself.
  const currencies = {
    budget: said.budget?.currency ?? currency,
    hourly: said.max_hourly_cost?.currency ?? currency,
  }
  return {
    wish,
    set: (key) => (value) => setWish((old) => ({ ...old, [key]: value })),
    policy: () => policyIn(wish, currencies),
    currencies,
  }
}

/** The fields of a policy. */
export const PolicyFields = ({ form: { wish, set, currencies } }: { form: PolicyForm }) => (
  <>
    <TextField
      label="Clouds in turn"
      hint="Names, by commas: home first. all: those that it is mapped to. Empty: as for all projects."
      value={wish.chain}
      onInput={set('chain')}
    />
    <TextField
      label="Marks"
      hint="Up to which share of its room a cloud is filled before the next one is, a line each: dc1 = 0.75."
      rows={2}
      value={wish.marks}
      onInput={set('marks')}
    />
    <div class="pair">
      <SelectField label="Spills" value={wish.spill} onChange={set('spill')} options={choices('allowed', 'never')} />
      <SelectField
        label="Spot"
        value={wish.spot}
        onChange={set('spot')}
        options={choices('never', 'allowed', 'preferred')}
      />
    </div>
    <div class="pair">
      <SelectField
        label="Budget a month"
        value={wish.budget}
        onChange={set('budget')}
        options={[
          ...choices(),
          { value: NONE, label: 'none' },
          { value: 'some', label: 'so much', disabled: !currencies.budget },
        ]}
      />
      {wish.budget === 'some' && (
        <TextField
          label={`Budget, ${currencies.budget}`}
          value={wish.amount}
          onInput={set('amount')}
          pattern="\d+(\.\d+)?"
          required
        />
      )}
      {wish.budget === 'some' && (
        <SelectField
          label="When it is spent"
          value={wish.spent}
          onChange={set('spent')}
          options={[
            { value: 'refuse', label: 'new servers are refused' },
            { value: 'stop-marked', label: 'servers that are marked for it stop too' },
          ]}
        />
      )}
    </div>
    <div class="pair">
      <SelectField
        label="Most an hour"
        value={wish.hourly}
        onChange={set('hourly')}
        options={[
          ...choices(),
          { value: NONE, label: 'no limit' },
          { value: 'some', label: 'so much', disabled: !currencies.hourly },
        ]}
      />
      {wish.hourly === 'some' && (
        <TextField
          label={`An hour at most, ${currencies.hourly}`}
          value={wish.most}
          onInput={set('most')}
          pattern="\d+(\.\d+)?"
          required
        />
      )}
    </div>
    <Disclosure label="More">
      <div class="pair">
        <TextField
          label="Spilled servers at most"
          type="number"
          min="0"
          value={wish.servers}
          onInput={set('servers')}
        />
        <TextField label="Spilled vCPUs at most" type="number" min="0" value={wish.cores} onInput={set('cores')} />
      </div>
      <div class="pair">
        <TextField
          label="Hysteresis"
          hint="So far below its mark a cloud has to be before it is home again: 0 to 1."
          value={wish.hysteresis}
          onInput={set('hysteresis')}
        />
        <TextField
          label="Lease"
          hint="How long a server runs: 2h, 1d12h; none: without end."
          value={wish.lease}
          onInput={set('lease')}
          maxLength={32}
        />
      </div>
      <div class="pair">
        <SelectField label="Zones" value={wish.zones} onChange={set('zones')} options={choices('all', 'policy')} />
        <SelectField
          label="Weakest filters"
          value={wish.filters}
          onChange={set('filters')}
          options={choices('enforced', 'trusted', 'none')}
        />
      </div>
      <TextField
        label="Everything else"
        hint="A line each, values that are no plain text as JSON: regions = [&quot;eu-central&quot;]."
        rows={3}
        value={wish.rest}
        onInput={set('rest')}
      />
    </Disclosure>
  </>
)
