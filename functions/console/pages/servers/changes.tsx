import type { ComponentChildren } from 'preact'
import { Card } from '../../parts/card.tsx'
import { ForMembers, useWindow, type WindowProps } from '../../parts/window.tsx'
import { DeedDialog, RARE } from './actions.tsx'
import { Rename, SetPassword } from './naming.tsx'
import { Rebuild, Rescue, Resize, TakeImage } from './remaking.tsx'
import type { PartProps, Server } from './shapes.ts'

type Window = (props: WindowProps & { server: Server }) => ComponentChildren

/** What a server may become, what that means, and in which states it can be asked for; none: in all. */
const CHANGES: [verb: string, hint: string, Window: Window, when?: string[]][] = [
  ['Rename', 'What it is called here, and what is said of it. The name of its guest stays.', Rename],
  [
    'Resize',
    'Another flavor, with the disk that it has. It stands still meanwhile, and goes on once the new size is confirmed.',
    Resize,
    ['ACTIVE', 'SHUTOFF'],
  ],
  [
    'Take an image',
    'Its disk as it is now, kept as an image: new servers begin with it, and other clouds may get a copy.',
    TakeImage,
    ['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED'],
  ],
  [
    'Rebuild',
    'Begins anew with an image, and keeps its addresses, volumes and id. What is on its disk is lost.',
    Rebuild,
    ['ACTIVE', 'SHUTOFF', 'ERROR'],
  ],
  [
    'Rescue',
    'Boots from another image, with its own disk plugged in as a second one, so that it can be mended.',
    Rescue,
    ['ACTIVE', 'SHUTOFF', 'ERROR'],
  ],
  ['Set the password', 'Of its administrator, where its cloud reaches into the guest.', SetPassword, ['ACTIVE']],
]

/** Everything that can be made of a server, each with what it means. What its cloud cannot do, it refuses with the reason. */
export const Changes = ({ server, again }: PartProps) => {
  const { shown, open } = useWindow()
  const all: [verb: string, hint: string, draw: (close: () => void) => ComponentChildren, when?: string[]][] = [
    ...CHANGES.map(([verb, hint, Window, when]): (typeof all)[number] => [
      verb,
      hint,
      (close) => <Window server={server} onClose={close} onDone={again} />,
      when,
    ]),
    ...RARE.map((deed): (typeof all)[number] => [
      deed.verb,
      deed.hint,
      (close) => <DeedDialog deed={deed} servers={[server]} onClose={close} onDone={again} />,
      deed.when,
    ]),
  ]
  return (
    <Card title="What can be made of it">
      <ul class="plain-list">
        {all.map(([verb, hint, draw, when]) => {
          const isAble = !when || when.includes(server.status)
          return (
            <li key={verb} class="row">
              <div class="measure">
                <strong>{verb}</strong>
                <p class="small quiet">
                  {hint}
                  {!isAble && ` It has to be ${when.join(' or ')}.`}
                </p>
              </div>
              <span class="spring" />
              <ForMembers>
                <button type="button" disabled={!isAble} onClick={() => open(draw)}>
                  {verb}
                </button>
              </ForMembers>
            </li>
          )
        })}
      </ul>
      {shown}
    </Card>
  )
}
