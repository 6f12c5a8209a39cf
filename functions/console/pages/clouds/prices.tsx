import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { linesOf, textsIn } from '../../api/lines.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { Fresh, useWindow, type WindowProps } from '../../parts/window.tsx'
import { countWords, manyWords } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { Rates } from './rates.tsx'
import type { Cloud } from './shapes.ts'

/** What an operator asks for an hour of what a cloud sells. */
interface Prices {
  currency: string | null
  sizes: Record<string, string>
  parts: { vcpu: string; ram_gib: string; disk_gib: string } | null
  idle?: number
  address?: string
  as_of: string | null
}

/** What is asked for the sizes of a cloud, and how to say something else. */
export const PricesCard = ({ name }: { name: string }) => {
  const path = `/clouds/${encodeURIComponent(name)}/prices`
  const answer = useAnswer<{ prices: Prices }>('broker', path)
  const { shown, open } = useWindow()
  const look = async () => (await ask<{ prices: Prices }>('broker', path)).prices
  return (
    <Card
      title={`Prices of ${name}`}
      action={
        answer.value && (
          <button
            type="button"
            aria-label={`Change the prices of ${name}`}
            onClick={() =>
              open((close) => (
                <Fresh title={`What ${name} costs`} look={look} onClose={close}>
                  {(said, unmoved) => (
                    <Change
                      name={name}
                      path={path}
                      said={said}
                      unmoved={unmoved}
                      onClose={close}
                      onDone={answer.again}
                    />
                  )}
                </Fresh>
              ))
            }
          >
            Change
          </button>
        )
      }
    >
      <Waiting answer={answer}>
        {({ prices: { currency, sizes, parts, idle, address, as_of: at } }) =>
          currency === null ? (
            <p class="quiet">
              Nothing is said: what the cloud tells of itself holds, and what it does not tell is unpriced.
            </p>
          ) : (
            <Facts
              facts={[
                ['Currency', currency],
                ['Sizes', Object.keys(sizes).length ? manyWords(Object.keys(sizes).length, 'size') : 'none by name'],
                ['vCPU an hour', parts?.vcpu],
                ['GiB of memory an hour', parts?.ram_gib],
                ['GiB of disk an hour', parts?.disk_gib],
                ['Address an hour', address],
                ['Stopped costs', idle === undefined ? undefined : `${countWords(idle * 100)} %`],
                ['Said', <Time key="said" at={at} />],
              ]}
            />
          )
        }
      </Waiting>
      <div class="under">
        <Command line={`GET /broker/v1${path}`} />
      </div>
      {shown}
    </Card>
  )
}

const AMOUNT = '\\d+(\\.\\d{1,6})?'

const Change = ({
  name,
  path,
  said,
  unmoved,
  onClose,
  onDone,
}: WindowProps & { name: string; path: string; said: Prices; unmoved: () => Promise<void> }) => {
  const [wish, setWish] = useState({
    currency: said.currency ?? '',
    vcpu: said.parts?.vcpu ?? '',
    ram: said.parts?.ram_gib ?? '',
    disk: said.parts?.disk_gib ?? '',
    address: said.address ?? '',
    idle: said.idle === undefined ? '' : String(said.idle),
    sizes: linesOf(said.sizes),
  })
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const isByParts = Boolean(wish.vcpu || wish.ram || wish.disk)
  const body = () => ({
    prices: {
      currency: wish.currency,
      sizes: textsIn(wish.sizes),
      ...(isByParts
        ? { parts: { vcpu: wish.vcpu || '0', ram_gib: wish.ram || '0', ...(wish.disk && { disk_gib: wish.disk }) } }
        : {}),
      ...(wish.idle && { idle: Number(wish.idle) }),
      ...(wish.address && { address: wish.address }),
    },
  })
  const amount = (label: string, key: keyof typeof wish) => (
    <TextField label={label} value={wish[key]} onInput={set(key)} pattern={AMOUNT} />
  )
  return (
    <Confirm
      title={`What ${name} costs`}
      verb="Say so"
      command={() => [`PUT /broker/v1${path}  ${JSON.stringify(body())}`]}
      work={async () => {
        const asked = { method: 'PUT', body: body() } as const
        await unmoved()
        await ask('broker', path, asked)
        notify(`${name} costs what you say, from now on.`)
        onDone()
      }}
      onClose={onClose}
    >
      <p class="hint">
        By the hour. It stands above what the cloud tells; what neither prices is unpriced, and not free.
      </p>
      <TextField
        label="Currency"
        hint="Three letters, as EUR."
        value={wish.currency}
        onInput={set('currency')}
        pattern="[A-Z]{3}"
        required
        focus
      />
      <div class="pair">
        {amount('A vCPU', 'vcpu')}
        {amount('A GiB of memory', 'ram')}
        {amount('A GiB of disk', 'disk')}
      </div>
      <div class="pair">
        {amount('A public address', 'address')}
        <TextField
          label="Share of a stopped one"
          hint="0 to 1; empty: all of it."
          value={wish.idle}
          onInput={set('idle')}
          pattern="0(\.\d+)?|1(\.0+)?"
        />
      </div>
      <TextField
        label="Sizes"
        hint="By name, a line each: m1.small = 0.0208. They stand above what the parts come to."
        rows={6}
        value={wish.sizes}
        onInput={set('sizes')}
      />
    </Confirm>
  )
}

/** What is asked for all clouds, and in which currencies. */
export const PriceBooks = () => {
  const clouds = useAnswer<{ clouds: Cloud[] }>('broker', '/clouds')
  return (
    <div class="stack">
      <Rates />
      <Waiting answer={clouds}>
        {({ clouds: all }) =>
          all.length ? (
            all.map(({ name }) => <PricesCard key={name} name={name} />)
          ) : (
            <Empty title="No cloud yet" action={<a href={linkTo('/clouds/register')}>Register the first</a>}>
              <p>What its sizes cost is said of a cloud once it is registered.</p>
            </Empty>
          )
        }
      </Waiting>
    </div>
  )
}
