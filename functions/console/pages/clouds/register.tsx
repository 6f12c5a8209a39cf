import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer, useDoing } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Disclosure } from '../../parts/disclosure.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { goTo, linkTo } from '../../router.ts'
import type { CloudType } from './shapes.ts'

type Option = CloudType['options'][number]

/** An option is typed as what it is by default; lists and tables as JSON. */
const kindOf = ({ default: usual, must_be: want }: Option): 'flag' | 'number' | 'text' | 'json' =>
  typeof usual === 'boolean' || /^true or false/.test(want)
    ? 'flag'
    : typeof usual === 'number' || /^a number|^a count/.test(want)
      ? 'number'
      : (typeof usual === 'object' && usual !== null) || /list|object|table/.test(want)
        ? 'json'
        : 'text'

/** What was typed, as the API takes it. @throws SyntaxError it is no JSON, where that is wanted */
const valueIn = (option: Option, text: string): unknown => {
  const kind = kindOf(option)
  if (kind === 'flag') return text === 'true'
  if (kind === 'number') return Number(text)
  return kind === 'json' ? JSON.parse(text) : text
}

/** A cloud is registered by a form that its adapter's own options make. */
const Register = () => {
  const types = useAnswer<{ cloud_types: CloudType[] }>('broker', '/cloud-types')
  return (
    <>
      <Heading title="Register a cloud" />
      <Waiting answer={types}>{({ cloud_types: all }) => <Form types={all} />}</Waiting>
    </>
  )
}

export default Register

const Form = ({ types }: { types: CloudType[] }) => {
  const [wish, setWish] = useState({ name: '', type: types[0]?.type ?? '', endpoint: '', region: '', position: '0' })
  const [options, setOptions] = useState<Record<string, string>>({})
  const [credentials, setCredentials] = useState<Record<string, string>>({})
  const { busy, fault, run } = useDoing()
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const type = types.find((each) => each.type === wish.type)
  const wrong = Object.fromEntries(
    (type?.options ?? []).flatMap((option) => {
      const text = options[option.name]
      if (!text) return []
      try {
        valueIn(option, text)
        return []
      } catch {
        return [[option.name, 'This is no JSON.']]
      }
    }),
  )
  const body = () => ({
    cloud: {
      name: wish.name,
      type: wish.type,
      ...(wish.endpoint ? { endpoint: wish.endpoint } : {}),
      ...(wish.region ? { region: wish.region } : {}),
      position: Number(wish.position),
      options: Object.fromEntries(
        (type?.options ?? []).flatMap((option) => {
          const text = options[option.name]
          return text && !wrong[option.name] ? [[option.name, valueIn(option, text)]] : []
        }),
      ),
      ...(Object.values(credentials).some(Boolean)
        ? { credentials: Object.fromEntries(Object.entries(credentials).filter(([, value]) => value)) }
        : {}),
    },
  })
  const shownBody = () => {
    const { cloud } = body()
    return JSON.stringify({
      cloud: {
        ...cloud,
        ...('credentials' in cloud
          ? { credentials: Object.fromEntries(Object.keys(cloud.credentials ?? {}).map((key) => [key, '…'])) }
          : {}),
      },
    })
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (Object.keys(wrong).length) return
    await run(async () => {
      await ask('broker', '/clouds', { method: 'POST', body: body() })
      notify(`${wish.name} is registered. No project reaches it before it is mapped.`)
      goTo(linkTo('/clouds/:name', { name: wish.name }))
    })
  }
  const field = (option: Option) => {
    const kind = kindOf(option)
    const usual =
      option.default === null || option.default === undefined ? '' : ` By default ${JSON.stringify(option.default)}.`
    const common = {
      label: option.name,
      hint: `${option.must_be.replace(/^./, (first) => first.toUpperCase())}.${usual.length > 200 ? '' : usual}`,
      value: options[option.name] ?? '',
    }
    const change = (value: string) => setOptions((old) => ({ ...old, [option.name]: value }))
    return kind === 'flag' ? (
      <SelectField
        key={option.name}
        {...common}
        onChange={change}
        options={[
          { value: '', label: 'as it is by default' },
          { value: 'true', label: 'true' },
          { value: 'false', label: 'false' },
        ]}
      />
    ) : (
      <TextField
        key={option.name}
        {...common}
        onInput={change}
        fault={wrong[option.name]}
        required={option.required}
        {...(kind === 'number' ? { type: 'number' as const } : kind === 'json' ? { rows: 4 } : {})}
      />
    )
  }
  const needed = type?.options.filter(({ required }) => required) ?? []
  const others = type?.options.filter(({ required }) => !required) ?? []
  return (
    <form class="card stack form" onSubmit={submit}>
      <div class="pair">
        <TextField
          label="Name"
          hint="Lower-case letters, digits and inner dashes: its zones begin with it."
          value={wish.name}
          onInput={set('name')}
          required
          maxLength={42}
          focus
        />
        <SelectField
          label="Type"
          hint={
            type &&
            `Runs on ${type.runtimes.join(' and ')}; proved on ${{ real: 'the real thing', simulator: 'a simulator', schema: 'its schema' }[type.maturity] ?? type.maturity}.`
          }
          value={wish.type}
          onChange={(value) => {
            set('type')(value)
            setOptions({})
            setCredentials({})
          }}
          options={types.map((each) => ({
            value: each.type,
            label: each.runs_here ? each.type : `${each.type} (not on this runtime)`,
            disabled: !each.runs_here,
          }))}
        />
      </div>
      <div class="pair">
        <TextField
          label="Endpoint"
          hint="Where it is reached, if its type has one."
          value={wish.endpoint}
          onInput={set('endpoint')}
          maxLength={2048}
        />
        <TextField label="Region" value={wish.region} onInput={set('region')} maxLength={64} />
        <TextField
          label="Turn"
          hint="Lower ones are preferred."
          type="number"
          min="0"
          value={wish.position}
          onInput={set('position')}
        />
      </div>
      {type && type.credentials.length > 0 && (
        <fieldset class="fields stack">
          <legend>Credentials</legend>
          <p class="hint">They are sealed, and never shown again.</p>
          <div class="pair">
            {type.credentials.map(({ name, required }) => (
              <TextField
                key={name}
                label={name}
                required={required}
                value={credentials[name] ?? ''}
                onInput={(value) => setCredentials((old) => ({ ...old, [name]: value }))}
                {...(/key$|^ca$|cert/.test(name) && !/^secret|^access/.test(name)
                  ? { rows: 3 }
                  : { type: 'password' as const, autocomplete: 'off' })}
              />
            ))}
          </div>
        </fieldset>
      )}
      {needed.map(field)}
      {others.length > 0 && (
        <Disclosure label={`Options of ${wish.type} (${others.length})`}>
          <div class="pair wide-pair">{others.map(field)}</div>
        </Disclosure>
      )}
      {fault && <FaultNote fault={fault} />}
      <Command line={`POST /broker/v1/clouds  ${shownBody()}`} />
      <div class="row end">
        <a class="button" href={linkTo('/clouds')}>
          Cancel
        </a>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Asking…' : 'Register it'}
        </button>
      </div>
    </form>
  )
}
