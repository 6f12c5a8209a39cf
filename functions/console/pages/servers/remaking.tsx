import { useRef, useState } from 'preact/hooks'
import { commandLine } from '../../api/command.ts'
import { type Named, useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { act } from './act.ts'
import { type Flavor, flavorWords } from './flavor.ts'
import type { OfServer } from './shapes.ts'

const useImages = () => useChoices<Named>('image', '/images?status=active&sort=name:asc', 'images')

/** Another size. */
export const Resize = ({ server, onClose, onDone }: OfServer) => {
  const flavors = useChoices<Flavor>('compute', '/flavors/detail', 'flavors')
  const [flavor, setFlavor] = useState('')
  return (
    <Confirm
      title={`Resize ${server.name}`}
      verb="Resize"
      command={[
        commandLine('server', 'resize', ['--flavor', flavor || 'FLAVOR'], server.id),
        commandLine('server', 'resize', 'confirm', server.id),
      ]}
      work={async () => {
        await act(server, { resize: { flavorRef: flavor } })
        notify(`${server.name} gets another size. It is to be confirmed once it has it.`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Flavor"
        hint={`It is ${server.flavor.original_name} now.`}
        choices={flavors}
        first="How large…"
        value={flavor}
        onChange={setFlavor}
        wordsOf={flavorWords}
        required
      />
    </Confirm>
  )
}

/** An image of its disk. */
export const TakeImage = ({ server, onClose, onDone }: OfServer) => {
  const [name, setName] = useState(`${server.name}-image`)
  return (
    <Confirm
      title={`Take an image of ${server.name}`}
      verb="Take it"
      command={[commandLine('server', 'image', 'create', ['--name', name || 'NAME'], server.id)]}
      work={async () => {
        await act(server, { createImage: { name } })
        notify(`${name} is being made: it is among the images.`)
        onDone()
      }}
      onClose={onClose}
    >
      <TextField label="Name of the image" value={name} onInput={setName} required maxLength={255} focus />
      {server.status === 'ACTIVE' && (
        <p class="hint">
          It runs: its disk is kept as if it had lost its power now. Stopped first, nothing is half written.
        </p>
      )}
    </Confirm>
  )
}

/** The same server, begun anew. */
export const Rebuild = ({ server, onClose, onDone }: OfServer) => {
  const images = useImages()
  const [image, setImage] = useState(server.image ? server.image.id : '')
  return (
    <Confirm
      title={`Rebuild ${server.name}`}
      verb="Rebuild"
      danger
      command={[commandLine('server', 'rebuild', ['--image', image || 'IMAGE'], server.id)]}
      work={async () => {
        await act(server, { rebuild: { imageRef: image } })
        notify(`${server.name} begins anew.`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Image"
        choices={images}
        none="There is no image."
        first="With what…"
        value={image}
        onChange={setImage}
        required
      />
      <p>What is on its disk is lost, but for volumes that are plugged in.</p>
    </Confirm>
  )
}

/** Boots from something else, to mend its own disk. Its password is shown once. */
export const Rescue = ({ server, onClose, onDone }: OfServer) => {
  const images = useImages()
  const [image, setImage] = useState('')
  const told = useRef<string | null>(null)
  const [password, setPassword] = useState<string | null>(null)
  const done = () => {
    onDone()
    onClose()
  }
  if (password !== null)
    return (
      <Dialog title={`${server.name} is being rescued`}>
        <div class="stack">
          <TextField
            label="Password"
            hint="Of the administrator of the image, where that takes one from its cloud. It is shown now, and never again."
            value={password}
            readonly
          />
          <div class="row end">
            <button type="button" class="primary" onClick={done}>
              I have it
            </button>
          </div>
        </div>
      </Dialog>
    )
  return (
    <Confirm
      title={`Rescue ${server.name}`}
      verb="Rescue"
      command={[commandLine('server', 'rescue', ['--image', image], server.id)]}
      work={async () => {
        const rescue = image ? { rescue_image_ref: image } : {}
        const said = await act<{ adminPass: string }>(server, { rescue })
        told.current = said.adminPass
      }}
      onClose={() => (told.current === null ? onClose() : setPassword(told.current))}
    >
      <ChoiceField
        label="Image"
        hint="With what it boots, while its own disk is a second one."
        choices={images}
        first="the image that it began with"
        value={image}
        onChange={setImage}
      />
    </Confirm>
  )
}
