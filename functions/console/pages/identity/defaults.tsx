import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { inLines, linesOf } from '../../api/lines.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { type Named, useChoices } from '../../api/use-choices.ts'
import { Card } from '../../parts/card.tsx'
import { ChoiceField } from '../../parts/choice.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Fresh, useWindow, type WindowProps } from '../../parts/window.tsx'
import { PolicyCard } from './policy.tsx'
import { type Policy, PolicyFields, usePolicyForm } from './policy-form.tsx'

/** What each new project of a domain begins with. */
interface Template {
  domain_id: string
  clouds: Record<string, Record<string, unknown>>
  quotas: Record<string, number>
  policy: Partial<Policy>
  most_projects: number
}

interface Told {
  project_templates: Template[]
}

/** Where all of them are told, at most so many: one a domain. */
const EXPORTED = '/export?section=project_templates&limit=1000'

/** Limits that have to be said, with which the form begins. */
const FIRST = { instances: 20, cores: 40, ram: 81_920, volumes: 20, gigabytes: 2_000 }

/** How projects are of which nothing is said, and what new ones of a domain begin with. */
export const Defaults = () => {
  const domains = useChoices<Named>('identity', '/domains', 'domains', true)
  const [chosen, setDomain] = useState('')
  const domain = chosen || (domains.rows.find(({ id }) => id === 'default') ?? domains.rows[0])?.id || ''
  return (
    <div class="stack">
      <PolicyCard
        title="Policy of all projects"
        path="/policy"
        own="/export?section=policies&limit=1"
        ownIn={({ of_all: said }) => said ?? {}}
      />
      <Card title="What new projects begin with">
        <div class="stack">
          <ChoiceField label="Domain" choices={domains} first="Of which domain…" value={domain} onChange={setDomain} />
          {domain && <OfDomain key={domain} domain={domain} />}
        </div>
      </Card>
    </div>
  )
}

const OfDomain = ({ domain }: { domain: string }) => {
  const path = `/domains/${encodeURIComponent(domain)}/project-template`
  // The route itself says 404 where there is none, which browsers write into their log; here it is not among the others.
  const answer = useAnswer<Told>('broker', EXPORTED)
  const rates = useAnswer<{ rates: { currency: string | null } }>('broker', '/rates')
  const { shown, open } = useWindow()
  if (answer.fault) return <FaultNote fault={answer.fault} again={answer.again} />
  if (!answer.value) return <p class="quiet waiting">Asking…</p>
  const ownIn = ({ project_templates: all }: Told) => all.find(({ domain_id: of }) => of === domain) ?? null
  const said = ownIn(answer.value)
  return (
    <div class="stack">
      {said ? (
        <Facts
          facts={[
            ['Clouds', Object.keys(said.clouds).join(', ') || 'none'],
            [
              'Limits',
              Object.entries(said.quotas)
                .map(([name, limit]) => `${name} ${limit}`)
                .join(', '),
            ],
            ['Budget', said.policy.budget ? `${said.policy.budget.amount} ${said.policy.budget.currency}` : 'none'],
            ['Projects at most', String(said.most_projects)],
          ]}
        />
      ) : (
        <p class="quiet measure">
          Nothing: a project that is made reaches no cloud before somebody maps it. With a template it begins with
          clouds, limits and a policy, and can be worked in at once.
        </p>
      )}
      <div class="row">
        <button
          type="button"
          disabled={!rates.value}
          onClick={() =>
            open((close) => (
              <Fresh
                title="What new projects begin with"
                look={async () => ownIn(await ask<Told>('broker', EXPORTED))}
                onClose={close}
              >
                {(now, unmoved) => (
                  <Change
                    path={path}
                    said={now}
                    unmoved={unmoved}
                    currency={rates.value?.rates.currency ?? ''}
                    onClose={close}
                    onDone={answer.again}
                  />
                )}
              </Fresh>
            ))
          }
        >
          {said ? 'Change the template' : 'Make a template'}
        </button>
        {said && (
          <button
            type="button"
            onClick={() =>
              open((close) => (
                <Removal
                  service="broker"
                  path={path}
                  name="The template"
                  verb="End"
                  command={`DELETE /broker/v1${path}`}
                  onClose={close}
                  onDone={answer.again}
                >
                  <p>Projects that are there keep what they have.</p>
                </Removal>
              ))
            }
          >
            End the template
          </button>
        )}
      </div>
      <Command line={`GET /broker/v1${path}`} />
      {shown}
    </div>
  )
}

const Change = ({
  path,
  said,
  unmoved,
  currency,
  onClose,
  onDone,
}: WindowProps & { path: string; said: Template | null; unmoved: () => Promise<void>; currency: string }) => {
  const [clouds, setClouds] = useState(linesOf(said?.clouds ?? {}))
  const [quotas, setQuotas] = useState(linesOf(said?.quotas ?? FIRST))
  const [most, setMost] = useState(String(said?.most_projects ?? 50))
  const form = usePolicyForm(said?.policy ?? {}, currency)
  const body = () => ({
    project_template: {
      clouds: inLines(clouds),
      quotas: inLines(quotas),
      policy: form.policy(),
      most_projects: Number(most),
    },
  })
  return (
    <Confirm
      title="What new projects begin with"
      verb="Say so"
      command={() => [`PUT /broker/v1${path}  ${JSON.stringify(body())}`]}
      work={async () => {
        const asked = { method: 'PUT', body: body() } as const
        await unmoved()
        await ask('broker', path, asked)
        notify('New projects begin with that.')
        onDone()
      }}
      onClose={onClose}
    >
      <TextField
        label="Clouds"
        hint={
          'A line each, with as what: dc1 = {"folder": "tenants/{project_id}"}; {} for the credentials of the cloud itself.'
        }
        rows={3}
        value={clouds}
        onInput={setClouds}
        required
        focus
      />
      <TextField
        label="Limits"
        hint="A line each. Those of servers, vCPUs, memory (MiB), volumes and their GiB have to be said."
        rows={6}
        value={quotas}
        onInput={setQuotas}
        required
      />
      <TextField
        label="Projects at most"
        hint="In the domain, and made there in a month."
        type="number"
        min="0"
        value={most}
        onInput={setMost}
        required
      />
      <PolicyFields form={form} />
    </Confirm>
  )
}
