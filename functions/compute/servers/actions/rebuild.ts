import * as z from 'zod'
import { keypairNamed } from '../../../../db/queries/compute/keypairs.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { refuseFilesBeyond, withFiles, withoutFiles } from '../../../broker/compute/personality.ts'
import { type Reseed, rebuildServer } from '../../../broker/compute/rebuild.ts'
import { openUserData } from '../../../broker/compute/user-data.ts'
import { badRequest, forbidden } from '../../../http/fault.ts'
import type { Input } from '../../../http/operation.ts'
import { links } from '../../links.ts'
import { boolean, name, text } from '../../parameters.ts'
import {
  accessAddress,
  description,
  diskConfig,
  fieldsIf,
  hostname,
  metadata,
  newPassword,
  personality,
  perVersion,
  userData,
  uuid,
} from '../fields.ts'
import { refuseOurMetadata } from '../our-metadata.ts'
import { shownServer } from '../server.ts'
import { rebuiltView, viewerOf } from '../view.ts'
import { type Action, action } from './action.ts'

const rebuild = perVersion((version) =>
  z.strictObject({
    imageRef: uuid(),
    name: name().optional(),
    adminPass: text(0, 10_000).optional(),
    metadata: metadata().optional(),
    preserve_ephemeral: boolean().optional(),
    'OS-DCF:diskConfig': diskConfig().optional(),
    accessIPv4: accessAddress(4).optional(),
    accessIPv6: accessAddress(6).optional(),
    ...fieldsIf(version < 57, { personality: personality().optional() }),
    ...fieldsIf(version >= 19, { description: description().optional() }),
    ...fieldsIf(version >= 54, { key_name: text(1).nullish() }),
    ...fieldsIf(version >= 57, { user_data: userData().nullish() }),
    ...fieldsIf(version >= 63, { trusted_image_certificates: z.array(text(1)).min(1).max(50).nullish() }),
    ...fieldsIf(version >= 90, { hostname: hostname(version).optional() }),
  }),
)

type Rebuild = z.infer<ReturnType<typeof rebuild>>

const refuseUnoffered = (asked: Rebuild): void => {
  if (asked.trusted_image_certificates?.length)
    throw badRequest('Image signature certificates are not checked by the clouds behind this broker.')
  if (asked.preserve_ephemeral) throw badRequest('There is no ephemeral disk to preserve.')
  if (Object.keys(asked.metadata ?? {}).length > 128) throw forbidden('Maximum number of metadata items exceeds 128')
}

/** The key of a name that the caller has, where it is another one than the server's: the name may mean another by now. */
const otherKey = async (
  { context }: Input,
  { key_name: name }: Rebuild,
  { keyName, keypair }: ServerRow,
): Promise<Reseed> => {
  if (name === undefined) return {}
  if (name === null) return keyName === null ? {} : { key: null }
  const named = await keypairNamed(context.db, context.caller?.userId ?? '', name)
  if (!named) throw badRequest('Invalid key_name provided.')
  const { id, publicKey, fingerprint } = named
  return id === keypair?.id ? {} : { key: { name, keypair: { id, publicKey, fingerprint } } }
}

/** https://docs.openstack.org/api-ref/compute/#rebuild-server-rebuild-action */
export const rebuildActions: Action[] = [
  action({
    name: 'rebuild',
    body: rebuild,
    handle: async (input, server, asked) => {
      const opened = openUserData(input.context, server.id, server.userData)
      const userData = opened === null ? null : withoutFiles(opened)
      refuseUnoffered(asked)
      refuseOurMetadata(asked.metadata ?? {}, server.metadata)
      const files = asked.personality ?? []
      await refuseFilesBeyond(input.context, server.projectId, files)
      const seed: Reseed = {
        ...(await otherKey(input, asked, server)),
        ...(asked.user_data === undefined || asked.user_data === userData ? {} : { userData: asked.user_data }),
        // In place of those that it was made with: its guest writes them at its next first start.
        ...(files.length ? { userData: withFiles(userData, files) } : {}),
      }
      await rebuildServer(
        input.context,
        server,
        asked.imageRef,
        {
          ...(asked.name === undefined ? {} : { name: asked.name.trim() }),
          ...(asked.metadata === undefined ? {} : { metadata: asked.metadata }),
          ...(asked['OS-DCF:diskConfig'] === undefined ? {} : { diskConfig: asked['OS-DCF:diskConfig'] }),
          ...(asked.accessIPv4 === undefined ? {} : { accessIpv4: asked.accessIPv4 }),
          ...(asked.accessIPv6 === undefined ? {} : { accessIpv6: asked.accessIPv6 }),
          ...(asked.description === undefined ? {} : { description: asked.description }),
          ...(asked.hostname === undefined ? {} : { hostname: asked.hostname }),
        },
        input.version >= 93,
        seed,
      )
      const shown = rebuiltView(await shownServer(input), viewerOf(input))
      return {
        headers: { Location: links(input, 'servers', server.id)[0]!.href },
        body: {
          server: {
            ...shown,
            adminPass: asked.adminPass ?? newPassword(),
            ...(input.version >= 57 ? { user_data: seed.userData === undefined ? userData : seed.userData } : {}),
          },
        },
      }
    },
  }),
]
