import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { act } from './act.ts'
import type { OfServer } from './shapes.ts'

/** What a server is called, and what is said of it. */
export const Rename = ({ server, onClose, onDone }: OfServer) => {
  const [name, setName] = useState(server.name)
  const [description, setDescription] = useState(server.description ?? '')
  return (
    <Confirm
      title={`Rename ${server.name}`}
      verb="Say so"
      command={[commandLine('server', 'set', ['--name', name || 'NAME'], ['--description', description], server.id)]}
      work={async () => {
        const body = { server: { name, description: description || null } }
        await ask('compute', `/servers/${server.id}`, { method: 'PUT', body })
        notify(`It is called ${name}.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <TextField label="Description" value={description} onInput={setDescription} maxLength={255} />
    </Confirm>
  )
}

/** Another password for the administrator of the guest. */
export const SetPassword = ({ server, onClose, onDone }: OfServer) => {
  const [password, setPassword] = useState('')
  return (
    <Confirm
      title={`Set the password of ${server.name}`}
      verb="Set it"
      command={[commandLine('server', 'set', '--password', 'PASSWORD', server.id)]}
      work={async () => {
        await act(server, { changePassword: { adminPass: password } })
        notify(`${server.name} is given another password.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField
        label="New password"
        type="password"
        autocomplete="new-password"
        value={password}
        onInput={setPassword}
        required
        focus
      />
    </Confirm>
  )
}
