import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { Fault } from '../../api/fault.ts'
import { wordsIn } from '../../api/lines.ts'
import { ofProject } from '../../api/of-project.ts'
import { useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { CheckList, SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import type { Router } from './shapes.ts'
import { useOutside } from './use-networks.ts'

interface Wish {
  name: string
  cidr: string
  gateway: string
  dns: string
  dhcp: boolean
  /** The id of a router, `new`, or nothing. */
  router: string
  outside: string
}

/** Makes what the wish says, in order; what was made before something was refused is there, and the list shows it. */
const make = async (wish: Wish): Promise<void> => {
  const { network } = await ask<{ network: { id: string } }>('network', '/networks', {
    method: 'POST',
    body: { network: { name: wish.name } },
  })
  if (!wish.cidr) return
  const { subnet } = await ask<{ subnet: { id: string } }>('network', '/subnets', {
    method: 'POST',
    body: {
      subnet: {
        network_id: network.id,
        name: `${wish.name}-subnet`,
        ip_version: wish.cidr.includes(':') ? 6 : 4,
        cidr: wish.cidr,
        enable_dhcp: wish.dhcp,
        ...(wish.gateway ? { gateway_ip: wish.gateway === 'none' ? null : wish.gateway } : {}),
        ...(wish.dns ? { dns_nameservers: wordsIn(wish.dns) } : {}),
      },
    },
  })
  if (!wish.router) return
  const router =
    wish.router === 'new'
      ? (
          await ask<{ router: { id: string } }>('network', '/routers', {
            method: 'POST',
            body: {
              router: {
                name: `${wish.name}-router`,
                ...(wish.outside ? { external_gateway_info: { network_id: wish.outside } } : {}),
              },
            },
          })
        ).router.id
      : wish.router
  await ask('network', `/routers/${router}/add_router_interface`, { method: 'PUT', body: { subnet_id: subnet.id } })
}

const linesOf = (wish: Wish): string[] => {
  const name = wish.name || 'NAME'
  const router = wish.router === 'new' ? `${name}-router` : wish.router
  return [
    commandLine('network', 'create', name),
    ...(wish.cidr
      ? [
          commandLine(
            'subnet',
            'create',
            ['--network', name],
            ['--subnet-range', wish.cidr],
            ['--ip-version', wish.cidr.includes(':') ? '6' : null],
            ['--gateway', wish.gateway],
            ['--no-dhcp', wish.dhcp ? null : true],
            ...wordsIn(wish.dns).map((each): [string, string] => ['--dns-nameserver', each]),
            `${name}-subnet`,
          ),
        ]
      : []),
    ...(wish.cidr && wish.router === 'new'
      ? [commandLine('router', 'create', ['--external-gateway', wish.outside], router)]
      : []),
    ...(wish.cidr && wish.router ? [commandLine('router', 'add', 'subnet', router, `${name}-subnet`)] : []),
  ]
}

/** A network with a subnet, and the router that leads out of it. */
export const CreateNetwork = ({ onClose, onDone }: WindowProps) => {
  const [said, setWish] = useState<Omit<Wish, 'outside'> & { outside: string | null }>({
    name: '',
    cidr: '10.0.0.0/24',
    gateway: '',
    dns: '',
    dhcp: true,
    router: '',
    outside: null,
  })
  const routers = useChoices<Router>('network', ofProject('/routers?sort_key=name&sort_dir=asc'), 'routers')
  const outside = useOutside()
  // Where nothing is said a new router leads out, as soon as it is known where.
  const wish: Wish = { ...said, outside: said.outside ?? outside.rows[0]?.id ?? '' }
  const set =
    <K extends keyof Wish>(key: K) =>
    (value: Wish[K]) =>
      setWish((old) => ({ ...old, [key]: value }))
  return (
    <Confirm
      title="New network"
      verb="Make it"
      command={linesOf(wish)}
      work={async () => {
        if (wish.router === 'new' && said.outside === null && outside.asking)
          throw new Fault(0, 'Which networks lead to the world is still asked: try again in a moment.')
        try {
          await make(wish)
        } finally {
          onDone()
        }
        notify(`${wish.name} is there.`)
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={255} focus />
      <TextField
        label="Addresses of its subnet"
        hint="As CIDR: 10.0.0.0/24, or fd00:1::/64. Empty: a network without a subnet, for now."
        value={wish.cidr}
        onInput={set('cidr')}
      />
      {wish.cidr && (
        <>
          <div class="pair">
            <TextField
              label="Gateway"
              hint="Empty: the first address. none: there is none."
              value={wish.gateway}
              onInput={set('gateway')}
            />
            <TextField label="Name servers" hint="Several by commas." value={wish.dns} onInput={set('dns')} />
          </div>
          <CheckList
            legend="Addresses are given"
            options={[{ value: 'dhcp', label: 'by DHCP' }]}
            chosen={wish.dhcp ? ['dhcp'] : []}
            onChange={(chosen) => set('dhcp')(chosen.length > 0)}
          />
          <SelectField
            label="Router"
            fault={routers.fault?.message}
            hint="What leads out of the network: to others of the project, and to the world where it has a gateway."
            value={wish.router}
            onChange={set('router')}
            options={[
              { value: '', label: 'none' },
              { value: 'new', label: 'a new one' },
              ...routers.rows.map(({ id, name }) => ({ value: id, label: name || id })),
            ]}
          />
          {wish.router === 'new' && (
            <ChoiceField
              label="Its gateway"
              choices={outside}
              first="none: nothing leads to the world"
              value={wish.outside}
              onChange={set('outside')}
            />
          )}
        </>
      )}
    </Confirm>
  )
}
