import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useDoing } from '../../api/use-answer.ts'
import type { Choices } from '../../api/use-choices.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { ruleWords, type Said } from './rule-words.ts'
import type { SecurityGroup } from './shapes.ts'

interface Wish {
  direction: string
  ethertype: string
  protocol: string
  from: string
  to: string
  /** `any`, `prefix`, or the id of a group. */
  remote: string
  prefix: string
}

/** What is asked for often, each a wish. */
const OFTEN: [name: string, change: Partial<Wish>][] = [
  ['SSH', { direction: 'ingress', protocol: 'tcp', from: '22', to: '22' }],
  ['HTTP', { direction: 'ingress', protocol: 'tcp', from: '80', to: '80' }],
  ['HTTPS', { direction: 'ingress', protocol: 'tcp', from: '443', to: '443' }],
  ['Ping', { direction: 'ingress', protocol: 'icmp', from: '', to: '' }],
  ['All of one group', { direction: 'ingress', protocol: '', from: '', to: '' }],
]

const NOTHING: Wish = {
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: 'tcp',
  from: '22',
  to: '22',
  remote: 'any',
  prefix: '',
}

const numberOf = (text: string): number | null => (text.trim() === '' ? null : Number(text))

const isIcmp = (protocol: string): boolean => protocol.includes('icmp')
/** What numbers a protocol has: `ports`, `types`, or none. */
const numbersOf = (protocol: string): 'ports' | 'types' | null =>
  isIcmp(protocol) ? 'types' : ['tcp', 'udp', 'sctp'].includes(protocol) ? 'ports' : null

/** The wish with another protocol: numbers that mean something else there are none. */
const withProtocol = (wish: Wish, protocol: string): Wish =>
  numbersOf(protocol) === numbersOf(wish.protocol) ? { ...wish, protocol } : { ...wish, protocol, from: '', to: '' }

/** The wish for addresses of another kind: ICMP has a name of its own in each. */
const withAddresses = (wish: Wish, ethertype: string): Wish =>
  isIcmp(wish.protocol)
    ? { ...wish, ethertype, protocol: ethertype === 'IPv6' ? 'ipv6-icmp' : 'icmp', from: '', to: '' }
    : { ...wish, ethertype }

const saidBy = ({ direction, ethertype, protocol, from, to, remote, prefix }: Wish): Said => ({
  direction,
  ethertype,
  protocol: protocol || null,
  port_range_min: numbersOf(protocol) && numberOf(from),
  port_range_max: numbersOf(protocol) && (numberOf(to) ?? (isIcmp(protocol) ? null : numberOf(from))),
  remote_ip_prefix: remote === 'prefix' ? prefix || null : null,
  remote_group_id: remote === 'any' || remote === 'prefix' ? null : remote,
  remote_address_group_id: null,
})

/** A rule as the command line says it. */
const ruleLine = (rule: Said, group: string): string => {
  const ofTypes = isIcmp(String(rule.protocol))
  const ports =
    rule.port_range_min === null
      ? null
      : rule.port_range_min === rule.port_range_max
        ? String(rule.port_range_min)
        : `${rule.port_range_min}:${rule.port_range_max}`
  return commandLine(
    'security',
    'group',
    'rule',
    'create',
    [`--${rule.direction}`, true],
    ['--ethertype', rule.ethertype],
    ['--protocol', rule.protocol === null ? null : String(rule.protocol)],
    ['--icmp-type', ofTypes && rule.port_range_min !== null ? String(rule.port_range_min) : null],
    ['--icmp-code', ofTypes && rule.port_range_max !== null ? String(rule.port_range_max) : null],
    ['--dst-port', ofTypes ? null : ports],
    ['--remote-ip', rule.remote_ip_prefix],
    ['--remote-group', rule.remote_group_id],
    group,
  )
}

/** A rule is put together, and said in words as it stands. */
export const RuleForm = ({
  group,
  groups,
  onDone,
}: {
  group: SecurityGroup
  groups: Choices<{ id: string; name: string }>
  onDone: () => void
}) => {
  const [wish, setWish] = useState(NOTHING)
  const { busy, fault, run } = useDoing()
  const set =
    <K extends keyof Wish>(key: K) =>
    (value: Wish[K]) =>
      setWish((old) => ({ ...old, [key]: value }))
  const groupOf = (id: string) => groups.rows.find((each) => each.id === id)?.name ?? id
  const said = saidBy(wish)
  const numbers = numbersOf(wish.protocol)
  const ofTypes = numbers === 'types'
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const body = { security_group_rule: { security_group_id: group.id, ...said } }
    if (!(await run(() => ask('network', '/security-group-rules', { method: 'POST', body })))) return
    notify(ruleWords(said, groupOf))
    onDone()
  }
  return (
    <Card title="New rule">
      <form class="stack" onSubmit={submit}>
        <fieldset class="row bulk">
          <legend class="unseen">What is asked for often</legend>
          {OFTEN.map(([name, change]) => (
            <button
              key={name}
              type="button"
              onClick={() =>
                setWish((old) => ({
                  ...withAddresses({ ...old, ...change }, old.ethertype),
                  ...(name === 'All of one group' ? { remote: group.id } : {}),
                }))
              }
            >
              {name}
            </button>
          ))}
        </fieldset>
        <div class="pair">
          <SelectField
            label="Direction"
            value={wish.direction}
            onChange={set('direction')}
            options={[
              { value: 'ingress', label: 'in (ingress)' },
              { value: 'egress', label: 'out (egress)' },
            ]}
          />
          <SelectField
            label="Addresses"
            value={wish.ethertype}
            onChange={(ethertype) => setWish((old) => withAddresses(old, ethertype))}
            options={['IPv4', 'IPv6'].map((value) => ({ value, label: value }))}
          />
          <SelectField
            label="Protocol"
            value={wish.protocol}
            onChange={(protocol) => setWish((old) => withProtocol(old, protocol))}
            options={[
              { value: '', label: 'any' },
              ...['tcp', 'udp', wish.ethertype === 'IPv6' ? 'ipv6-icmp' : 'icmp', 'sctp', 'gre', 'vrrp'].map(
                (value) => ({
                  value,
                  label: value,
                }),
              ),
            ]}
          />
        </div>
        {numbers && (
          <div class="pair">
            <TextField
              label={ofTypes ? 'Type' : 'First port'}
              hint="Empty: any."
              type="number"
              min={ofTypes ? '0' : '1'}
              max={ofTypes ? '255' : '65535'}
              value={wish.from}
              onInput={set('from')}
            />
            <TextField
              label={ofTypes ? 'Code' : 'Last port'}
              type="number"
              min={ofTypes ? '0' : '1'}
              max={ofTypes ? '255' : '65535'}
              value={wish.to}
              onInput={set('to')}
            />
          </div>
        )}
        <SelectField
          label={wish.direction === 'ingress' ? 'From' : 'To'}
          hint={groups.cut ? `The first ${groups.rows.length} groups are listed.` : undefined}
          fault={groups.fault?.message}
          value={wish.remote}
          onChange={set('remote')}
          options={[
            { value: 'any', label: 'anywhere' },
            { value: 'prefix', label: 'a range of addresses' },
            ...groups.rows.map(({ id, name }) => ({ value: id, label: `servers in ${name}` })),
          ]}
        />
        {wish.remote === 'prefix' && (
          <TextField
            label="Range"
            hint="As CIDR: 192.0.2.0/24."
            value={wish.prefix}
            onInput={set('prefix')}
            required
            maxLength={64}
          />
        )}
        <p class="said" role="status">
          {ruleWords(said, groupOf)}
        </p>
        {fault && <FaultNote fault={fault} />}
        <Command line={ruleLine(said, group.id)} />
        <div class="row end">
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'Working…' : 'Add the rule'}
          </button>
        </div>
      </form>
    </Card>
  )
}
