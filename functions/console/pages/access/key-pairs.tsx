import { useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine, quoted } from '../../api/command.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { Removal } from '../../parts/removal.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { Save } from './save.tsx'

interface KeyPair {
  name: string
  type: string
  fingerprint: string
  public_key: string
}

/** From 2.92 on Nova makes no keys: one that it is to make is asked for as before. */
const MAKES = { 'OpenStack-API-Version': 'compute 2.91' }

/** The keys of the user, by which he logs in to guests. */
export const KeyPairs = () => {
  const answer = useAnswer<{ keypairs: { keypair: KeyPair }[] }>('compute', '/os-keypairs?limit=1000')
  const { shown, open } = useWindow()
  const columns: Column<KeyPair>[] = [
    { key: 'name', title: 'Name', cell: ({ name }) => name },
    { key: 'type', title: 'Type', cell: ({ type }) => type },
    { key: 'fingerprint', title: 'Fingerprint', cell: ({ fingerprint }) => <code>{fingerprint}</code> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ name }) => (
        <RowButton
          anybody
          verb="Delete"
          name={name}
          onClick={() =>
            open((close) => (
              <Removal
                service="compute"
                path={`/os-keypairs/${encodeURIComponent(name)}`}
                name={name}
                command={commandLine('keypair', 'delete', '--', name)}
                onClose={close}
                onDone={answer.again}
              >
                <p>Servers that were made with it keep it.</p>
              </Removal>
            ))
          }
        />
      ),
    },
  ]
  const create = () =>
    open((close) => (
      <CreateKeyPair
        onClose={close}
        onMade={(made) => {
          answer.again()
          open((done) => <Made made={made} onClose={done} />)
        }}
      />
    ))
  return (
    <>
      <div class="row filter">
        <button type="button" class="primary" onClick={create}>
          New key pair
        </button>
        <button type="button" onClick={() => open((close) => <Import onClose={close} onDone={answer.again} />)}>
          Import a public key
        </button>
      </div>
      <Waiting answer={answer}>
        {({ keypairs }) =>
          keypairs.length ? (
            <div class="stack">
              <Table
                caption="Key pairs"
                columns={columns}
                rows={keypairs.map(({ keypair }) => keypair)}
                idOf={({ name }) => name}
                nameOf={({ name }) => name}
              />
              <Command line={commandLine('keypair', 'list')} />
            </div>
          ) : (
            <Empty
              title="No key pair yet"
              command={['openstack keypair create --public-key ~/.ssh/id_ed25519.pub mine']}
            >
              <p>
                By a key you log in to a guest without a password. The public half is put into each server that is made
                with it; the private half stays with you alone.
              </p>
            </Empty>
          )
        }
      </Waiting>
      {shown}
    </>
  )
}

interface Secret {
  name: string
  private_key: string
}

const CreateKeyPair = ({ onClose, onMade }: { onClose: () => void; onMade: (made: Secret) => void }) => {
  const [name, setName] = useState('')
  const made = useRef<Secret | null>(null)
  return (
    <Confirm
      title="New key pair"
      verb="Make it"
      command={[commandLine('keypair', 'create', ['--private-key', `${name || 'NAME'}.pem`], name || 'NAME')]}
      work={async () => {
        const { keypair } = await ask<{ keypair: Secret }>('compute', '/os-keypairs', {
          method: 'POST',
          headers: MAKES,
          body: { keypair: { name, type: 'ssh' } },
        })
        made.current = keypair
      }}
      onClose={() => (made.current ? onMade(made.current) : onClose())}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <p class="hint">The private key is shown once, and kept nowhere.</p>
    </Confirm>
  )
}

const Made = ({ made, onClose }: { made: Secret; onClose: () => void }) => (
  <Dialog title={`The private key of ${made.name}`}>
    <div class="stack">
      <p>It is shown now, and never again. Whoever has it comes into every server with this key.</p>
      <TextField label="Private key" rows={8} value={made.private_key} readonly />
      <Command line={`ssh -i ${quoted(`./${made.name}.pem`)} USER@ADDRESS`} />
      <div class="row end">
        <Save text={made.private_key} name={`${made.name}.pem`}>
          Save it
        </Save>
        <button type="button" onClick={onClose}>
          I have it
        </button>
      </div>
    </div>
  </Dialog>
)

const Import = ({ onClose, onDone }: { onClose: () => void; onDone: () => void }) => {
  const [name, setName] = useState('')
  const [key, setKey] = useState('')
  return (
    <Confirm
      title="Import a public key"
      verb="Import"
      command={[commandLine('keypair', 'create', ['--public-key', 'FILE'], name || 'NAME')]}
      work={async () => {
        const keypair = { name, type: 'ssh', public_key: key.trim() }
        await ask('compute', '/os-keypairs', { method: 'POST', body: { keypair } })
        notify(`${name} is there.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onInput={setName} required maxLength={255} focus />
      <TextField
        label="Public key"
        hint="What is in ~/.ssh/id_ed25519.pub: it begins with ssh-ed25519 or ssh-rsa."
        rows={4}
        value={key}
        onInput={setKey}
        required
      />
    </Confirm>
  )
}
