import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'

/** Makes something of Keystone's that has a name and one word more: a project with a description, a user with a password. */
export const Create = ({
  title,
  member,
  most,
  more,
  command,
  done,
  onClose,
  onDone,
}: WindowProps & {
  title: string
  /** In the body; the path is its plural. */
  member: 'project' | 'user'
  /** Longest name. */
  most: number
  more: { key: 'description' | 'password'; label: string }
  command: (wish: { name: string; word: string }) => string
  /** What is said after the name. */
  done: string
}) => {
  const [name, setName] = useState('')
  const [word, setWord] = useState('')
  const isSecret = more.key === 'password'
  return (
    <Confirm
      title={title}
      verb="Make it"
      command={[command({ name: name || 'NAME', word })]}
      work={async () => {
        await ask('identity', `/${member}s`, { method: 'POST', body: { [member]: { name, [more.key]: word } } })
        notify(`${name} ${done}`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={most} focus />
      <TextField
        label={more.label}
        value={word}
        onInput={setWord}
        {...(isSecret ? { type: 'password' as const, autocomplete: 'new-password', required: true } : {})}
      />
    </Confirm>
  )
}
