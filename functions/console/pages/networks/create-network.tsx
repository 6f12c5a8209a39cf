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

/** What of a wish is there: where the rest was refused, it is gone on from here and not begun again. */
interface Made {
  network?: string
  subnet?: string
  /** A router that was made for it. */
  router?: string
}

const subnetBody = (wish: Wish, network: string) => ({
  subnet: {
    network_id: network,
    name: `${wish.name}-subnet`,
    ip_version: wish.cidr.includes(':') ? 6 : 4,
    cidr: wish.cidr,
    enable_dhcp: wish.dhcp,
    ...(wish.gateway ? { gateway_ip: wish.gateway === 'none' ? null : wish.gateway } : {}),
    ...(wish.dns ? { dns_nameservers: wordsIn(wish.dns) } : {}),
  },
})

const routerBody = (wish: Wish) => ({
  router: {
    name: `${wish.name}-router`,
    ...(wish.outside ? { external_gateway_info: { network_id: wish.outside } } : {}),
  },
})

/**
 * Makes what the wish says, in order, but for what is there.
 * @param keep hears of each that was made, so that it is not made again
 */
const make = async (wish: Wish, made: Made, keep: (made: Made) => void): Promise<void> => {
  const post = async (path: string, member: string, body: object) => {
    const said = await ask<Record<string, { id: string }>>('network', path, { method: 'POST', body })
    return said[member]!.id
  }
  const network = made.network ?? (await post('/networks', 'network', { network: { name: wish.name } }))
  if (!made.network) keep({ network })
  if (!wish.cidr) return
  const subnet = made.subnet ?? (await post('/subnets', 'subnet', subnetBody(wish, network)))
  if (!made.subnet) keep({ subnet })
  if (!wish.router) return
  const router =
    wish.router === 'new' ? (made.router ?? (await post('/routers', 'router', routerBody(wish)))) : wish.router
  if (wish.router === 'new' && !made.router) keep({ router })
  await ask('network', `/routers/${router}/add_router_interface`, { method: 'PUT', body: { subnet_id: subnet } })
}

/** The same by the command line, but for what is there. */
const commandsOf = (wish: Wish, made: Made): string[] => {
  const name = wish.name || 'NAME'
  const router = wish.router === 'new' ? `${name}-router` : wish.router
  return [
    ...(made.network ? [] : [commandLine('network', 'create', name)]),
    ...(wish.cidr && !made.subnet
      ? [
          commandLine(
            'subnet',
            'create',
            ['--network', made.network ?? name],
            ['--subnet-range', wish.cidr],
            ['--ip-version', wish.cidr.includes(':') ? '6' : null],
            ['--gateway', wish.gateway],
            ['--no-dhcp', wish.dhcp ? null : true],
            ...wordsIn(wish.dns).map((each): [string, string] => ['--dns-nameserver', each]),
            `${name}-subnet`,
          ),
        ]
      : []),
    ...(wish.cidr && wish.router === 'new' && !made.router
      ? [commandLine('router', 'create', ['--external-gateway', wish.outside], router)]
      : []),
    ...(wish.cidr && wish.router
      ? [
          commandLine(
            'router',
            'add',
            'subnet',
            wish.router === 'new' ? (made.router ?? router) : router,
            made.subnet ?? `${name}-subnet`,
          ),
        ]
      : []),
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
  const [made, setMade] = useState<Made>({})
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
      command={commandsOf(wish, made)}
      work={async () => {
        if (wish.router === 'new' && said.outside === null && outside.asking)
          throw new Fault(0, 'Which networks lead to the world is still asked: try again in a moment.')
        try {
          await make(wish, made, (next) => setMade((old) => ({ ...old, ...next })))
        } finally {
          onDone()
        }
        notify(`${wish.name} is there.`)
      }}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint={made.network && 'It is there: the button goes on with the rest.'}
        value={wish.name}
        onInput={set('name')}
        disabled={made.network !== undefined}
        required
        maxLength={255}
        focus
      />
      <TextField
        label="Addresses of its subnet"
        hint="As CIDR: 10.0.0.0/24, or fd00:1::/64. Empty: a network without a subnet, for now."
        value={wish.cidr}
        onInput={set('cidr')}
        disabled={made.subnet !== undefined}
      />
      {wish.cidr && (
        <>
          <div class="pair">
            <TextField
              label="Gateway"
              hint="Empty: the first address. none: there is none."
              value={wish.gateway}
              onInput={set('gateway')}
              disabled={made.subnet !== undefined}
            />
            <TextField
              label="Name servers"
              hint="Several by commas."
              value={wish.dns}
              onInput={set('dns')}
              disabled={made.subnet !== undefined}
            />
          </div>
          <CheckList
            legend="Addresses are given"
            options={[{ value: 'dhcp', label: 'by DHCP', disabled: made.subnet !== undefined }]}
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
              disabled={made.router !== undefined}
            />
          )}
        </>
      )}
    </Confirm>
  )
}
