import { useState } from 'preact/hooks'
import { useDoing } from '../api/use-answer.ts'
import { Command } from '../parts/command.tsx'
import { Disclosure } from '../parts/disclosure.tsx'
import { FaultNote } from '../parts/fault.tsx'
import { TextField } from '../parts/form.tsx'
import { Wordmark } from '../parts/mark.tsx'
import { useStore } from '../store.ts'
import { loginAddress } from './kept.ts'
import { PasscodeWanted } from './proof.ts'
import { door, logIn, logInByPasscode, logInBySecret, logOut } from './session.ts'

type Way = 'password' | 'credential'

/**
 * By what somebody logs in.
 * @param again who it was, whose token is over
 */
export const LoginForm = ({ again }: { again?: { user: string; domain: string; project: string } }) => {
  const [way, setWay] = useState<Way>('password')
  const [given, setGiven] = useState({
    user: again?.user ?? '',
    password: '',
    domain: again?.domain ?? 'Default',
    project: again?.project ?? '',
    id: '',
    secret: '',
    passcode: '',
  })
  const [wanted, setWanted] = useState<PasscodeWanted | null>(null)
  const { busy, fault, run } = useDoing()
  const { logins } = useStore(door)
  const set = (name: keyof typeof given) => (value: string) => setGiven({ ...given, [name]: value })
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    void run(async () => {
      try {
        if (wanted) await logInByPasscode(wanted, given.passcode)
        else if (way === 'password') await logIn(given)
        else await logInBySecret(given.id, given.secret)
      } catch (error) {
        if (!(error instanceof PasscodeWanted)) throw error
        setWanted(error)
      }
    })
  }
  return (
    <form class="stack" onSubmit={submit}>
      {fault && <FaultNote fault={fault} />}
      {wanted ? (
        <TextField
          label="One-time password"
          value={given.passcode}
          onInput={set('passcode')}
          autocomplete="one-time-code"
          required
          focus
        />
      ) : way === 'password' ? (
        <>
          <TextField
            label="User name"
            value={given.user}
            onInput={set('user')}
            autocomplete="username"
            required
            focus={!again}
          />
          <TextField
            label="Password"
            type="password"
            value={given.password}
            onInput={set('password')}
            autocomplete="current-password"
            required
            focus={Boolean(again)}
          />
          <Disclosure label="Domain and project">
            <TextField label="Domain" value={given.domain} onInput={set('domain')} required />
            <TextField
              label="Project"
              hint="Left empty: your own, or the first that you may work in."
              value={given.project}
              onInput={set('project')}
            />
          </Disclosure>
        </>
      ) : (
        <>
          <TextField label="Id of the application credential" value={given.id} onInput={set('id')} required focus />
          <TextField
            label="Secret"
            type="password"
            value={given.secret}
            onInput={set('secret')}
            autocomplete="off"
            required
          />
        </>
      )}
      <div class="row">
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Logging in…' : 'Log in'}
        </button>
        {!wanted && (
          <button type="button" class="plain" onClick={() => setWay(way === 'password' ? 'credential' : 'password')}>
            {way === 'password' ? 'Use an application credential' : 'Use a password'}
          </button>
        )}
        {wanted && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              setWanted(null)
              set('passcode')('')
            }}
          >
            Begin anew
          </button>
        )}
      </div>
      {again && logins.length > 0 && (
        <p class="quiet small">An identity provider leads to the overview: what is typed on this page would be lost.</p>
      )}
      {logins.length > 0 && (
        <ul class="logins">
          {logins.map((login) => (
            <li key={`${login.identity_provider} ${login.protocol}`}>
              <a class="button" href={loginAddress(login)}>
                Log in with {login.identity_provider}
                {logins.some((other) => other !== login && other.identity_provider === login.identity_provider) &&
                  ` (${login.protocol})`}
              </a>
            </li>
          ))}
        </ul>
      )}
    </form>
  )
}

/** The page before everything else. */
export const Login = () => {
  const { fault } = useStore(door)
  return (
    <main class="door">
      <div class="card door-card">
        <h1>
          <Wordmark />
        </h1>
        <p class="quiet">One cloud above all clouds. Log in as you would with the openstack command.</p>
        {fault && (
          <div class="stack">
            <FaultNote fault={fault} />
            <button type="button" onClick={() => void logOut()}>
              Log out again
            </button>
          </div>
        )}
        <LoginForm />
        <Command line="openstack --os-cloud plimsoll token issue" />
        <p class="quiet small">
          Passwords of a first start stand in the <code>clouds.yaml</code> that the broker names when it starts.
        </p>
      </div>
    </main>
  )
}
