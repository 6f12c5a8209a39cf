import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { linesOf, numbersIn } from '../../api/lines.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { Time } from '../../parts/time.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { Fresh, useWindow, type WindowProps } from '../../parts/window.tsx'

interface Told {
  currency: string | null
  of: Record<string, { rate: number; as_of: string }>
}

const look = async () => (await ask<{ rates: Told }>('broker', '/rates')).rates

/** In which currency is counted, and what others are worth in it. */
export const Rates = () => {
  const answer = useAnswer<{ rates: Told }>('broker', '/rates')
  const { shown, open } = useWindow()
  return (
    <Card
      title="Currencies"
      action={
        answer.value && (
          <button
            type="button"
            aria-label="Change the currencies"
            onClick={() =>
              open((close) => (
                <Fresh title="Currencies" look={look} onClose={close}>
                  {(said, unmoved) => <Change said={said} unmoved={unmoved} onClose={close} onDone={answer.again} />}
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
        {({ rates: { currency, of } }) =>
          currency === null ? (
            <p class="quiet">In which is counted is not said yet: amounts are unpriced until it is.</p>
          ) : (
            <>
              <p>
                Counted in <strong>{currency}</strong>.
              </p>
              <ul class="plain-list">
                {Object.entries(of).map(([name, { rate, as_of: at }]) => (
                  <li key={name} class="row">
                    <span>
                      1 {name} is {rate} {currency}
                    </span>
                    <span class="spring" />
                    <span class="small quiet">
                      <Time at={at} />
                    </span>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Waiting>
      <div class="under">
        <Command line="GET /broker/v1/rates" />
      </div>
      {shown}
    </Card>
  )
}

const Change = ({ said, unmoved, onClose, onDone }: WindowProps & { said: Told; unmoved: () => Promise<void> }) => {
  const [currency, setCurrency] = useState(said.currency ?? '')
  const [lines, setLines] = useState(
    linesOf(Object.fromEntries(Object.entries(said.of).map(([name, { rate }]) => [name, rate]))),
  )
  const body = () => {
    const of = Object.fromEntries(
      Object.entries(numbersIn(lines)).map(([name, rate]) => [
        name,
        // What is as it was is as old as it was.
        { rate, ...(said.of[name]?.rate === rate ? { as_of: said.of[name]?.as_of } : {}) },
      ]),
    )
    return { rates: { currency, of } }
  }
  return (
    <Confirm
      title="Currencies"
      verb="Say so"
      command={() => [`PUT /broker/v1/rates  ${JSON.stringify(body())}`]}
      work={async () => {
        const asked = { method: 'PUT', body: body() } as const
        await unmoved()
        await ask('broker', '/rates', asked)
        notify(`It is counted in ${currency}.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField
        label="Counted in"
        hint="Three letters, as EUR. It stays once something was bought."
        value={currency}
        onInput={setCurrency}
        pattern="[A-Z]{3}"
        required
        focus
      />
      <TextField
        label="What others are worth in it"
        hint="A line each: USD = 0.92. Prices in a currency without one are unpriced."
        rows={5}
        value={lines}
        onInput={setLines}
      />
    </Confirm>
  )
}
